package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"kvd/cmd/internal/cliutil"
	"kvd/replica/node"
)

func verifyCommand() *cli.Command {
	return &cli.Command{
		Name: "verify", Usage: "read all of a stopped leader's data, or of a backup, and say what is damaged", ArgsUsage: "DIR",
		Description: `DIR is the data directory of a leader that does not run, or a copy of one, or a backup that
kv backup wrote; it stays as it is. A backup's files are held to their checksums, and then
unpacked into TMPDIR, which needs as much room as the store has; --sums leaves that out.
Every frame of the log and every block of the tables is read and held to its checksum;
then database and log are held against each other, and every key and every row of the
ledger is read. A damage is named with its file. Nothing is mended.

Exit codes: 0 whole, 4 damaged, 1 could not be read.

Examples:
   kvd verify /var/lib/kvd
   kvd verify /var/lib/kvd -o json
   kvd verify /backups/n1 --sums`,
		Action: verified,
		Flags:  []cli.Flag{outputFlag(), &cli.BoolFlag{Name: "sums", Usage: "of a backup: only the checksums of its files"}},
	}
}

func outputFlag() cli.Flag {
	return &cli.StringFlag{Name: "output", Aliases: []string{"o"}, Value: "text", Usage: "print as `FORMAT`: text or json"}
}

func verified(c *cli.Context) error {
	dir := c.Args().First()
	if c.NArg() != 1 {
		return cliutil.Usage("kvd verify takes one directory", fmt.Sprintf("%d were given", c.NArg()), "kvd verify /var/lib/kvd")
	}
	if err := cliutil.OneOf(c.String("output"), "text", "json"); err != nil {
		return cliutil.Usage("unknown output", err.Error(), "choose text or json")
	}
	_ = cliutil.StepBack() // leaders on this machine come first where that can be had
	progress := cliutil.NewProgress(c.App.ErrWriter)
	found, err := node.Verify(c.Context, dir, c.Bool("sums"), func(files int, bytes int64) {
		progress.Say(fmt.Sprintf("read %d files, %s", files, megabytes(bytes)))
	})
	progress.Clear()
	if err != nil {
		return cliutil.Fail("cannot verify "+dir, err, "name the data directory of a leader that does not run, a copy of one, or a backup")
	}
	if err := tellVerified(c, dir, found); err != nil || len(found.Damages) == 0 {
		return err
	}
	next := "start the leader: it makes the store anew from what can be read, and fetches the rest from the others"
	if found.Backup != nil {
		next = "take another backup, into an empty directory"
	}
	return &cliutil.Problem{
		What: fmt.Sprintf("%s is damaged in %d places", dir, len(found.Damages)),
		Why:  strings.ReplaceAll(errors.Join(found.Damages...).Error(), "\n", "\n      "),
		Next: next,
		Code: cliutil.Differs,
	}
}

// tellVerified prints what was found. A damage is told as a failure, and in JSON as well.
func tellVerified(c *cli.Context, dir string, found *node.Verified) error {
	if c.String("output") == "json" {
		damages, keys := []string{}, any(found.Objects)
		if found.Backup != nil && !found.Unpacked {
			keys = nil // nobody has looked
		}
		for _, d := range found.Damages {
			damages = append(damages, d.Error())
		}
		text, err := cliutil.Marshal(cliutil.Object{{"directory", dir}, {"whole", len(damages) == 0}, {"files", found.Files}, {"bytes", found.Bytes},
			{"keys", keys}, {"writes", found.Writes}, {"origins", found.Origins}, {"backup", found.Backup != nil}, {"unfinished", found.Unfinished}, {"damages", damages}})
		if err == nil {
			_, err = fmt.Fprintf(c.App.Writer, "%s\n", text)
		}
		return err
	}
	if len(found.Damages) > 0 {
		return nil
	}
	what := "is whole"
	if found.Backup != nil {
		what = fmt.Sprintf("is a backup of %s at %s, and whole", found.Backup.Leader, found.Backup.Taken.Format(time.RFC3339))
	}
	if found.Unfinished {
		fmt.Fprintf(c.App.ErrWriter, "kvd: a later backup into %s was begun and has not ended; kv backup goes on with it\n", dir)
	}
	keys := fmt.Sprintf(", %d keys", found.Objects)
	if found.Backup != nil && !found.Unpacked {
		keys = "" // nobody has looked
	}
	_, err := fmt.Fprintf(c.App.Writer, "%s %s: %d files of %s%s, %d writes of %d origins\n", dir, what, found.Files, megabytes(found.Bytes), keys, found.Writes, found.Origins)
	return err
}

// megabytes is bytes for people.
func megabytes(n int64) string {
	if n < 1e5 {
		return fmt.Sprintf("%d bytes", n)
	}
	return fmt.Sprintf("%.1f MB", float64(n)/1e6)
}
