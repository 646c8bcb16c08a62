// Package judge is the commands kv judge and kv record: what a store lost, by what its
// clients saw, and a load that writes down what clients see.
//
//	kv record ─▶ a history of operations ─▶ kv judge ─▶ text, tables, JSON
//
// It is flags and words. What a history proves is said by resolve/blackbox, what may be
// in a file by replica/client/opfile, how a load runs by replica/client/record.
package judge
