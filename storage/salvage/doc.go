// Package salvage reads what is left of a damaged pebble store, and finds damage that
// pebble would not: it takes a store without its marker for a new one, and tables that
// its manifest does not name for garbage.
//
// [Read] goes through tables, files of separated values and logs without the database,
// around what cannot be read. [Examine] compares a directory with what its manifest was
// known to be, and [Check] verifies every block of one file.
//
// What it is not: it knows no layout of ours, and changes nothing on disk. Package storage
// says which rows are wanted and what follows from them.
package salvage
