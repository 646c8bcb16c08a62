// Package stats counts what a server does.
package stats
