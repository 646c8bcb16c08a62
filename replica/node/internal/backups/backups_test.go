package backups

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"kvd/replica/acl"
	"kvd/replica/replicatest"
	"kvd/replica/resp"
	"kvd/storage/backup"
	"kvd/storage/storagetest"
)

// lending is backups of a leader that a test asks.
type lending struct {
	*Backups
	t   *testing.T
	dir string
}

func newLending(t *testing.T) *lending {
	l := storagetest.Open(t, storagetest.Options(vfs.NewMem(), "store"), 7)
	l.SetMany("k", 20, 100)
	dir := t.TempDir()
	b := New(Config{Dir: dir, Logger: slog.New(slog.DiscardHandler), Checkpoint: l.Store.Checkpoint, About: func() (backup.About, error) { return backup.About{Leader: "n1"}, nil }})
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return &lending{b, t, dir}
}

// ask is one command; the reply as it is sent, or the error.
func (l *lending) ask(words ...string) string {
	l.t.Helper()
	return l.as(context.Background(), words...)
}

func (l *lending) as(ctx context.Context, words ...string) string {
	l.t.Helper()
	var sent bytes.Buffer
	w := resp.NewWriter(&sent, 1<<20)
	args := [][]byte{[]byte("KVD.BACKUP")}
	for _, word := range words {
		args = append(args, []byte(word))
	}
	if err := l.Run(ctx, args, w); err != nil {
		return "-" + err.Error()
	}
	if err := w.Flush(); err != nil {
		l.t.Fatal(err)
	}
	return sent.String()
}

// begin is the id of a backup, and its files.
func (l *lending) begin() (id string, m backup.Manifest) {
	l.t.Helper()
	lines := strings.Split(l.ask("BEGIN"), "\r\n")
	at := 0
	for i, line := range lines {
		if strings.HasPrefix(line, "{") {
			at = i
		}
	}
	if err := json.Unmarshal([]byte(lines[at]), &m); err != nil || at == 0 {
		l.t.Fatalf("%v in %q", err, lines)
	}
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.lent.ID, m
}

func (l *lending) want(part string, words ...string) {
	l.t.Helper()
	if got := l.ask(words...); !strings.Contains(got, part) {
		l.t.Errorf("%v is answered with %.300q, not %q", words, got, part)
	}
}

func TestWhatIsLent(t *testing.T) {
	l := newLending(t)
	for _, words := range [][]string{{"x"}, {"BEGIN", "x"}, {"READ", "id"}, {"SUM", "id"}, {"END"}, {"END", "id", "DONE", "1"}} {
		l.want("syntax error", words...)
	}
	id, m := l.begin()
	if m.Leader != "n1" || m.Writes() != 20 || len(m.Files) < 5 {
		t.Fatalf("it is of %+v", m)
	}
	l.want("-BUSY one is under way", "BEGIN")
	l.want("-GONE", "READ", "other", m.Files[0].Name, "0")
	l.want("has no file", "READ", id, "../x", "0")
	l.want("is not in", "READ", id, m.Files[0].Name, "x")
	l.want("is not in", "READ", id, m.Files[0].Name, "-1")
	l.want("is not in", "READ", id, m.Files[0].Name, "1000000000000")
	l.want("files and bytes", "END", id, "DONE", "one", "2")
	for _, f := range m.Files {
		if len(l.ask("SUM", id, f.Name)) < 64 || f.Bytes > 0 && len(l.ask("READ", id, f.Name, "0")) < int(f.Bytes) {
			t.Errorf("%s is not sent", f.Name)
		}
	}
	if !l.Last().Running || l.Last().Unix() != 0 {
		t.Errorf("under way is %+v", l.Last())
	}
	l.want("OK", "END", id, "DONE", "5", "1000")
	l.want("-GONE", "END", id)
	for _, b := range []*Backups{l.Backups, New(Config{Dir: l.dir})} {
		if last := b.Last(); last.Running || last.Files != 5 || last.Bytes != 1000 || last.Unix() == 0 {
			t.Errorf("the last is %+v", last)
		}
	}
	id, _ = l.begin()
	l.want("OK", "END", id)
	if l.Last().Files != 5 {
		t.Error("one that was given up counts")
	}
}

func TestWhoMayNotTakeABackup(t *testing.T) {
	l := newLending(t)
	ctx := acl.With(context.Background(), &acl.Rights{Roles: acl.All, Prefixes: []string{"k"}})
	if got := l.as(ctx, "BEGIN"); !strings.Contains(got, "NOPERM") {
		t.Errorf("a user of some keys is answered %q", got)
	}
}

// A client that asks no more is given up, and the next may come.
func TestAClientThatIsGone(t *testing.T) {
	l := newLending(t)
	l.idle = time.Nanosecond
	l.ask("BEGIN")
	replicatest.Eventually(t, "it is given up", func() bool { return !l.Last().Running })
	l.idle = time.Hour
	l.begin()
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	l.want("draining", "BEGIN")
}
