// Package cliutil is what every command line of ours shares: where flags may
// stand, how failures and odd bytes are told, and what exit codes mean.
//
//	argv ─▶ Arrange (flags ahead of positionals) ─▶ urfave/cli ─▶ action ─▶ Problem ─▶ three lines, exit code
//
// urfave/cli v2 stops reading flags at the first positional argument and hands
// the rest on as if it were data: "get x --node b" would ask the wrong leader
// and say nothing. [Arrange] therefore puts flags where the library reads them,
// and refuses what looks like a flag and is none.
//
// It is not a framework: commands are plain cli.Commands, and [Main] runs them.
package cliutil
