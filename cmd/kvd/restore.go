package main

import (
	"fmt"
	"time"

	"github.com/urfave/cli/v2"

	"kvd/cmd/internal/cliutil"
	"kvd/replica/node"
)

func restoreCommand() *cli.Command {
	return &cli.Command{
		Name: "restore", Usage: "make a data directory of a backup", ArgsUsage: "BACKUP DIR",
		Description: `BACKUP is a directory that kv backup wrote. DIR is made, or is empty. Every file is held to
its checksum, and the store that comes out of them is verified before it counts as
restored: a leader does not start on one that is not. A restore that was interrupted is
begun again by the same command.

A leader that is started on DIR begins a new origin, whoever else still has the old one. With
--join it meets a living cluster, gets what was written since, and gives what that has
lost; alone, it is the first leader of a new one. A policy that was set while leaders ran
(kv admin policy set) comes with the backup, and counts there too; one of settings is given
again, and is printed here. kv restore is another command: it writes a lost value again.

Examples:
   kvd restore /backups/n1 /var/lib/kvd
   kvd serve --node n1 --data-dir /var/lib/kvd`,
		Action: restored,
		Flags:  []cli.Flag{outputFlag()},
	}
}

func restored(c *cli.Context) error {
	if c.NArg() != 2 {
		return cliutil.Usage("kvd restore takes a backup and a new data directory", fmt.Sprintf("%d arguments were given", c.NArg()), "kvd restore /backups/n1 /var/lib/kvd; kv restore DOT writes a lost value again")
	}
	if err := cliutil.OneOf(c.String("output"), "text", "json"); err != nil {
		return cliutil.Usage("unknown output", err.Error(), "choose text or json")
	}
	from, dir := c.Args().Get(0), c.Args().Get(1)
	progress := cliutil.NewProgress(c.App.ErrWriter)
	v, err := node.Restore(c.Context, from, dir, func(files int, bytes int64) {
		progress.Say(fmt.Sprintf("restored %d files, %s", files, megabytes(bytes)))
	})
	progress.Clear()
	if err != nil {
		return cliutil.Fail("cannot restore "+from+" into "+dir, err, "mend that and restore again, into a directory that is empty or absent, or where that was begun; kvd verify "+from+" says whether the backup is whole")
	}
	if c.String("output") == "json" {
		text, err := cliutil.Marshal(cliutil.Object{{"directory", dir}, {"leader", v.Backup.Leader}, {"cluster", v.Backup.Cluster}, {"policy", v.Backup.Policy},
			{"taken", v.Backup.Taken.Format(time.RFC3339Nano)}, {"keys", v.Objects}, {"writes", v.Writes}, {"origins", v.Origins}})
		if err == nil {
			_, err = fmt.Fprintf(c.App.Writer, "%s\n", text)
		}
		return err
	}
	_, err = fmt.Fprintf(c.App.Writer, "%s has %d keys and %d writes, as %s of cluster %s had them at %s under the policy %s\n",
		dir, v.Objects, v.Writes, v.Backup.Leader, v.Backup.Cluster, v.Backup.Taken.Format(time.RFC3339), v.Backup.Policy)
	return err
}
