// Package readme holds the README and its pages to their word: its test writes the files
// that they show, runs every command of a console block in order, and compares what
// is printed with what follows. A line of … stands for any lines. A command that
// ends in & stays in the background, as in a shell, until the block says kill %1.
package readme
