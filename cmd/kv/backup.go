package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/urfave/cli/v2"

	"kvd/cmd/internal/cliutil"
	"kvd/cmd/kv/internal/invoke"
	"kvd/cmd/kv/internal/show"
	"kvd/replica/client"
	"kvd/replica/client/backups"
)

func backupSpec() invoke.Spec {
	return invoke.Spec{Name: "backup", Usage: "copy a leader's store into a directory here", Args: "DIR", Least: 1, Most: 1, Do: on(backup),
		About: `The leader of -n, or else the context's first, goes on serving. The backup shows it at one
moment: every write that was acknowledged before the command began is in it, with
siblings, deletions and the ledger of lost writes. DIR is on this machine, and is made. A
backup of the same leader that is there is brought up to date: tables and segments of the
log that it has are not fetched again; until that is done, the last one stays as it was.
One that was interrupted is gone on with. The files are packed (zstd) and have checksums.
A request that takes longer than --timeout fails: give more where the leader's disk is slow.

kvd verify DIR checks a backup, and kvd restore DIR NEWDIR makes a data directory of it.

Examples:
   kv backup /backups/n1                           the whole store, or what is new
   kv backup /backups/n1 -n n1 && kvd verify /backups/n1`,
		Flags: []cli.Flag{}}
}

func backup(k *call) error {
	dir := k.Args().First()
	if dir == "" || dir == cliutil.Standard {
		return cliutil.Usage("kv backup needs a directory", fmt.Sprintf("read: %q", dir), "kv backup /backups/n1")
	}
	l, err := k.Leader()
	if err != nil {
		return err
	}
	own := client.New(client.Options{Login: k.Login, Timeout: k.Timeout}) // an interrupt ends the others, and the leader is to be told
	defer own.Close()
	l = own.Open(l.Node)
	progress := k.Progress()
	t, err := backups.Take(k.Ctx(), l, dir, func(done backups.Written, files int, bytes int64) {
		progress.Say(fmt.Sprintf("%d of %d files, %d %%", done.Files, files, 100*done.Bytes/max(1, bytes)))
	})
	progress.Clear()
	if err != nil {
		return noBackup(k, dir, err)
	}
	say := fmt.Sprintf("%s has a backup of %s at %s: %d writes, %d files of %d bytes; %d files were new, %d bytes, packed into %d",
		show.Brief(dir), show.Printable(t.Leader), t.Taken.Format(time.RFC3339), t.Writes(), t.Files, t.Bytes, t.New, t.NewBytes, t.Kept)
	return k.Out.Put(show.Facts(say, dir, show.WordFact("directory", dir), show.WordFact("leader", t.Leader), show.WordFact("cluster", t.Cluster),
		show.WordFact("taken", t.Taken.Format(time.RFC3339Nano)), show.NumberFact("writes", int64(t.Writes())), show.NumberFact("files", int64(t.Files)), show.NumberFact("bytes", t.Bytes),
		show.NumberFact("new_files", int64(t.New)), show.NumberFact("new_bytes", t.NewBytes), show.NumberFact("kept_bytes", t.Kept)))
}

// noBackup says what is left of a backup that failed.
func noBackup(k *call, dir string, err error) error {
	if client.Unknown(err) {
		return &cliutil.Problem{What: k.Subject(), Why: "this server has no KVD.BACKUP", Next: "a newer one does"}
	}
	if k.Ctx().Err() != nil {
		return &cliutil.Problem{What: "interrupted", Why: "a signal asked for it", Next: "kv backup " + dir + " goes on with what is there; a backup that was whole before still is", Code: cliutil.Interrupted}
	}
	var r *client.Refusal
	if errors.As(err, &r) {
		return err
	}
	return cliutil.Fail(k.Subject(), err, "mend that and take it again: what is there is not fetched again, and a backup that was whole before still is")
}
