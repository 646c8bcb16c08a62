// Package judge is the commands kv judge and kv record: what a store lost, by what its
// clients saw, and a load that writes down what clients see.
//
//	kv record ─▶ a history of operations ─▶ kv judge ─▶ text, tables, JSON, a page
//
// It is flags and words. What a history proves is said by resolve/blackbox, what may be
// in a file by replica/client/opfile, how a load runs by replica/client/record, and what
// a page of a history draws by scenarios/page/observed.
package judge
