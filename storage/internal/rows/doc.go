// Package rows is the keys of a store's database, and the values of those rows that hold
// neither objects nor the ledger, and which rows keep their values in other files. The table of all of them is in package storage's doc.go.
//
// What it is not: it reads and writes nothing.
package rows
