// Package backups lends a leader's store, as it is at one moment, to a client that takes a
// backup of it: KVD.BACKUP. To another leader that needs the state it lends it, too.
//
//	BEGIN ─▶ checkpoint ─▶ id and the list of its files
//	READ id FILE OFFSET    bytes of a file, 1 MiB at most
//	SUM id FILE            its SHA-256, for a client that may have it already
//	END id [DONE FILES BYTES] ─▶ the checkpoint is removed
//
// The client asks for piece after piece: it gets no more than it takes, and the leader holds
// no more than a piece. One copy is lent at a time. A client that asks nothing for a minute is
// given up, since a checkpoint keeps what compactions drop.
//
// What the package is not: what a backup looks like is package backup's (of storage), and
// the client writes it.
package backups

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"time"

	"kvd/replica/acl"
	"kvd/replica/console"
	"kvd/replica/node/internal/fields"
	"kvd/replica/node/internal/sidefile"
	"kvd/replica/resp"
	"kvd/storage/backup"
	"kvd/storage/checkpoint"
)

// Config is what a leader's backups are told once.
type Config struct {
	Dir        string // where the last backup is remembered; empty: nowhere
	Logger     *slog.Logger
	Checkpoint func() (*checkpoint.Checkpoint, error)
	About      func() (backup.About, error) // without end and frontier
}

// Backups lends one checkpoint at a time. Any goroutine may ask.
type Backups struct {
	cfg   Config
	idle  time.Duration // after which a client is given up
	began sync.Mutex    // held while a checkpoint is made

	mu   sync.RWMutex // held for reading while a file is read
	lent *Lent        // nil: nothing is
	last console.Backup
	over bool // the leader stops
}

// Lent is a checkpoint that a client reads, or another leader.
type Lent struct {
	*checkpoint.Checkpoint
	ID     string
	began  time.Time
	giveUp *time.Timer
}

const (
	// ReadBytes is what one READ answers at most.
	ReadBytes = 1 << 20
	idleAfter = time.Minute
	lastFile  = "last-backup.json"
)

// New lends nothing yet. What is known of the last backup is read.
func New(cfg Config) *Backups {
	b := &Backups{cfg: cfg, idle: idleAfter}
	if cfg.Dir != "" {
		if _, err := sidefile.Read(cfg.Dir, lastFile, &b.last); err != nil {
			cfg.Logger.Warn("when the last backup was taken is not known", "why", err.Error())
		}
	}
	return b
}

// Last is the last backup that a client said it has, and whether one is under way.
func (b *Backups) Last() console.Backup {
	b.mu.RLock()
	defer b.mu.RUnlock()
	last := b.last
	last.Running = b.lent != nil
	return last
}

// Close gives up the backup that is under way, and lends nothing more.
func (b *Backups) Close() error {
	b.began.Lock()
	defer b.began.Unlock()
	b.mu.Lock()
	b.over = true
	b.mu.Unlock()
	return b.GiveUp()
}

// Run is KVD.BACKUP.
func (b *Backups) Run(ctx context.Context, args [][]byte, w *resp.Writer) error {
	if !acl.Of(ctx).Everywhere() {
		return resp.Refuse("NOPERM", "a backup has every key, and this user may not read every key")
	}
	word := strings.ToUpper(string(args[1]))
	switch {
	case word == "BEGIN" && len(args) == 2:
		return b.begin(w)
	case word == "READ" && len(args) == 5:
		return b.read(string(args[2]), string(args[3]), string(args[4]), w)
	case word == "SUM" && len(args) == 4:
		return b.sum(ctx, string(args[2]), string(args[3]), w)
	case word == "END" && len(args) == 3:
		return b.end(string(args[2]), nil, w)
	case word == "END" && len(args) == 6 && strings.EqualFold(string(args[3]), "DONE"):
		return b.end(string(args[2]), args[4:], w)
	}
	return errors.New("syntax error: KVD.BACKUP BEGIN, READ id FILE OFFSET, SUM id FILE, or END id [DONE FILES BYTES]; kv backup DIR asks all that")
}

func (b *Backups) begin(w *resp.Writer) error {
	about, err := b.cfg.About()
	if err != nil {
		return err
	}
	l, err := b.Lend(b.cfg.Checkpoint)
	if err != nil {
		return err
	}
	text, err := json.Marshal(manifest(about, l.Checkpoint))
	if err != nil {
		return errors.Join(err, b.Return(l.ID))
	}
	b.cfg.Logger.Info("a backup begins", "files", len(l.Files), "log", l.End.String())
	w.Map(2)
	fields.Text(w, "id", l.ID)
	fields.Text(w, "backup", string(text))
	return nil
}

// Lend lends what make makes, unless something is lent already: until Return, or until
// nobody has used it for a minute.
func (b *Backups) Lend(make func() (*checkpoint.Checkpoint, error)) (*Lent, error) {
	if !b.began.TryLock() {
		return nil, busy("one is about to begin")
	}
	defer b.began.Unlock()
	b.mu.RLock()
	under, over := b.lent, b.over
	b.mu.RUnlock()
	switch {
	case over:
		return nil, resp.ErrDraining
	case under != nil:
		return nil, busy("one is under way since " + under.began.UTC().Format(time.RFC3339))
	}
	began := time.Now()
	c, err := make()
	if err != nil {
		return nil, fmt.Errorf("no copy can be made here: %w; ask another leader", err)
	}
	l := &Lent{Checkpoint: c, ID: rand.Text(), began: began}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lent = l
	l.giveUp = time.AfterFunc(b.idle, func() {
		if err := b.take(l.ID, nil); err == nil {
			b.cfg.Logger.Warn("a copy is given up: whoever it was made for asks no more", "id", l.ID)
		}
	})
	return l, nil
}

// GiveUp takes back whatever is lent.
func (b *Backups) GiveUp() error { return b.take("", nil) }

// Return takes back what was lent.
func (b *Backups) Return(id string) error { return b.take(id, nil) }

// Gone reports whether it is the error of what is lent no more.
func Gone(err error) bool {
	said, ok := errors.AsType[resp.Error](err)
	return ok && strings.HasPrefix(string(said), "GONE ")
}

func busy(why string) error {
	return resp.Refuse("BUSY", "%s, and one backup at a time reads a leader, or one other leader that needs its state: wait for it, or ask another leader", why)
}

// manifest is the backup as far as the leader knows it.
func manifest(about backup.About, c *checkpoint.Checkpoint) *backup.Manifest {
	m := &backup.Manifest{About: about}
	m.End = c.End.String()
	for d := range c.Frontier.All() {
		m.Ops = append(m.Ops, backup.Last{Origin: d.Origin.String(), Seq: uint64(d.Seq)})
	}
	for _, f := range c.Files {
		m.Files = append(m.Files, backup.File{Name: f.Name, Bytes: f.Bytes})
	}
	return m
}

// Use lends a file of what is lent, which stays while use runs.
func (b *Backups) Use(id, name string, use func(*Lent, checkpoint.File) error) error {
	b.mu.RLock()
	defer b.mu.RUnlock()
	if b.lent == nil || b.lent.ID != id {
		return resp.Refuse("GONE", "no such backup is under way: it was ended, or nobody asked for a minute; begin again, what was fetched is not fetched again")
	}
	f, ok := b.lent.Find(name)
	if !ok {
		return fmt.Errorf("the backup has no file %.64q", name)
	}
	b.lent.giveUp.Reset(b.idle)
	return use(b.lent, f)
}

func (b *Backups) read(id, name, offset string, w *resp.Writer) error {
	return b.Use(id, name, func(l *Lent, f checkpoint.File) error {
		at, err := strconv.ParseInt(offset, 10, 64)
		if err != nil || at < 0 || at >= f.Bytes {
			return fmt.Errorf("offset %.64q is not in %s, which has %d bytes", offset, f.Name, f.Bytes)
		}
		p := make([]byte, min(ReadBytes, f.Bytes-at))
		n, err := l.Read(f, at, p)
		if err != nil {
			return fmt.Errorf("read %s: %w", f.Name, err)
		}
		w.Bulk(p[:n])
		return nil
	})
}

func (b *Backups) sum(ctx context.Context, id, name string, w *resp.Writer) error {
	return b.Use(id, name, func(l *Lent, f checkpoint.File) error {
		sum, err := l.Sum(ctx, f)
		if err != nil {
			return fmt.Errorf("read %s: %w", f.Name, err)
		}
		w.Text(sum)
		return nil
	})
}

// end takes the checkpoint away. What the client says it has done is kept for people.
func (b *Backups) end(id string, done [][]byte, w *resp.Writer) error {
	var last *console.Backup
	if done != nil {
		files, err := strconv.ParseInt(string(done[0]), 10, 64)
		bytes, failed := strconv.ParseInt(string(done[1]), 10, 64)
		if err := errors.Join(err, failed); err != nil {
			return fmt.Errorf("files and bytes of the backup: %w", err)
		}
		last = &console.Backup{Files: files, Bytes: bytes}
	}
	if err := b.take(id, last); err != nil {
		return err
	}
	w.Text("OK")
	return nil
}

// take takes back what is lent under the id, or whatever is. Done is the backup that was
// made of it; nil: none was.
func (b *Backups) take(id string, done *console.Backup) error {
	b.mu.Lock()
	l := b.lent
	if l == nil || id != "" && l.ID != id {
		b.mu.Unlock()
		if id == "" {
			return nil
		}
		return resp.Refuse("GONE", "no such backup is under way")
	}
	b.lent = nil
	l.giveUp.Stop()
	if done != nil {
		done.Taken, done.Seconds = l.began, time.Since(l.began).Seconds()
		b.last = *done
	}
	b.mu.Unlock()
	err := l.Remove()
	if done != nil {
		b.cfg.Logger.Info("a backup was taken", "files", done.Files, "bytes", done.Bytes, "took", time.Since(l.began).Round(time.Millisecond).String())
		if err := sidefile.Write(b.cfg.Dir, lastFile, "when the last backup was taken", done); err != nil {
			b.cfg.Logger.Warn("the last backup is not remembered", "why", err.Error())
		}
	}
	return err
}
