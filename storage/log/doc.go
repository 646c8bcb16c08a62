// Package log is the segmented write-ahead log of one leader.
package log
