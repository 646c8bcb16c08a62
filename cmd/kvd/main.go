// Kvd is a leader: it serves clients, meets the other leaders of its cluster and
// replicates to them. It is also a whole cluster in one process, for trying out.
//
//	flags ─▶ environment ─▶ file ─▶ defaults: settings ─▶ leader.Config ─▶ leader.Start
//	signal ─▶ Quiesce (no more clients, others have it all) ─▶ Stop ─▶ the last line
//
// A setting is a row of one table: its flag, its variable, its place in the file
// and what it does to the configuration are one thing. What wires a leader
// together is in replica/node.
package main

import (
	"io"
	"os"

	"kvd/cmd/internal/cliutil"
)

func main() { os.Exit(run(os.Args, os.Stdin, os.Stdout, os.Stderr)) }

// run is the whole program but for the exit.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	return cliutil.Main(program(stdin, stdout, stderr), args)
}
