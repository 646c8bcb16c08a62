// Package readme holds the README to its word: its test writes the files the
// README shows, runs every command of a console block in order, and compares what
// is printed with what follows. A line of … stands for any lines. A command that
// ends in & stays in the background, as in a shell, until the block is done.
package readme
