// Package offline is what an operator does with a data directory, or with a backup, while no
// leader runs on it: verify every byte, and make a data directory of a backup.
//
// What the package is not: it reads no store itself (package verify does) and has no layout
// of its own (package backup has that of backups).
package offline
