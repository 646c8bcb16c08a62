// Package house holds the whole tree to the agreed shape: who may know whom,
// what pure code may not touch, and how large things may grow.
//
//	go/parser over every file ─▶ rows, each with its reason ─▶ one finding a line
//
// It has tests only. It reads the source tree it stands in and nothing else: no
// network, no build. The rows are in rows_test.go; house_test.go holds the tree
// to them; bite_test.go shows for every row a small file that breaks it.
package house
