package transfer

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"kvd/replica"
	"kvd/replica/node/internal/backups"
	"kvd/storage/backup"
	"kvd/storage/storagetest"
)

// lending is a leader whose state a test fetches.
type lending struct {
	*storagetest.Leader
	lend   *backups.Backups
	sender *Sender
	whole  error
}

func newLending(t *testing.T, ops int) *lending {
	t.Helper()
	l := &lending{Leader: storagetest.Open(t, options(filepath.Join(t.TempDir(), storeDir)), theirs)}
	l.SetMany("state", ops, 50_000)
	l.lend = backups.New(backups.Config{Logger: silent, About: func() (backup.About, error) { return backup.About{}, nil }})
	l.sender = NewSender(SenderConfig{Leader: "n1", Store: l.Store, Lend: l.lend, Whole: func() error { return l.whole }, Logger: silent})
	t.Cleanup(func() {
		must(t, l.sender.Close())
		must(t, l.lend.Close())
	})
	return l
}

// wire is the connections of a receiver: each breaks after so many bytes, the first time
// that it comes so far.
type wire struct {
	to       map[replica.Leader]*lending
	breaks   atomic.Int64 // after so many bytes; zero: no more
	received atomic.Int64
	onBreak  func()
}

func (w *wire) fetch(_ context.Context, from replica.Leader) (net.Conn, error) {
	here, there := net.Pipe()
	w.to[from].sender.Serve("n2", there)
	return &breaking{here, w}, nil
}

type breaking struct {
	net.Conn
	w *wire
}

func (b *breaking) Read(p []byte) (int, error) {
	n, err := b.Conn.Read(p)
	at := b.w.received.Add(int64(n))
	if after := b.w.breaks.Load(); after > 0 && at > after {
		b.w.breaks.Store(0)
		if b.w.onBreak != nil {
			b.w.onBreak()
		}
		return 0, errors.Join(errors.New("the connection broke"), b.Close())
	}
	return n, err
}

// receiving is a receiver whose leader has a small store of its own.
func receiving(t *testing.T, w *wire) *Receiver {
	t.Helper()
	dir := t.TempDir()
	own := stored(t, dir, 2)
	r := NewReceiver(ReceiverConfig{Leader: "n2", Dir: dir, Store: own.Store, Fetch: w.fetch, Space: func() (uint64, bool) { return 1 << 40, true }, Fetched: own.Close, Logger: silent})
	return r
}

func (r *Receiver) from(t *testing.T, names ...replica.Leader) bool {
	t.Helper()
	var from []candidate
	for _, n := range names {
		from = append(from, candidate{n, 1})
	}
	return r.fetchFrom(t.Context(), from)
}

// A connection that breaks amid a file costs little more than what was on its way.
func TestATransferGoesOnAfterABreak(t *testing.T) {
	l := newLending(t, 60)
	w := &wire{to: map[replica.Leader]*lending{"n1": l}}
	w.breaks.Store(200_000)
	r := receiving(t, w)
	if !r.from(t, "n1") {
		t.Fatal(r.Progress().Failed)
	}
	if p := r.Progress(); p.From != "n1" || p.Done != p.Total || p.Total < 400_000 || w.received.Load() > p.Total+300_000 {
		t.Errorf("%+v, and %d bytes came", p, w.received.Load())
	}
	if _, err := Install(r.cfg.Dir, "n2", silent); err != nil {
		t.Fatal(err)
	}
	installed(t, r.cfg.Dir, 60, 2)
}

// A state that is given up amid it is asked for anew, and what came is not fetched again.
func TestAStateThatIsGivenUpIsAskedForAnew(t *testing.T) {
	l := newLending(t, 60)
	w := &wire{to: map[replica.Leader]*lending{"n1": l}}
	w.onBreak = func() {
		must(t, l.lend.GiveUp())
		l.Set("later", "1")
	}
	w.breaks.Store(200_000)
	r := receiving(t, w)
	if !r.from(t, "n1") {
		t.Fatal(r.Progress().Failed)
	}
	if p := r.Progress(); w.received.Load() > p.Total+300_000 {
		t.Errorf("%+v, and %d bytes came", p, w.received.Load())
	}
	if _, err := Install(r.cfg.Dir, "n2", silent); err != nil {
		t.Fatal(err)
	}
	installed(t, r.cfg.Dir, 61, 2)
}

// When the leader dies whose state is fetched, another one's is: with nothing of the first.
func TestAnotherLeaderGoesOn(t *testing.T) {
	first, second := newLending(t, 60), newLending(t, 70)
	w := &wire{to: map[replica.Leader]*lending{"n1": first, "n3": second}}
	w.onBreak = func() { must(t, first.sender.Close()) }
	w.breaks.Store(200_000)
	r := receiving(t, w)
	if !r.from(t, "n1", "n3") {
		t.Fatal(r.Progress().Failed)
	}
	if _, err := Install(r.cfg.Dir, "n2", silent); err != nil {
		t.Fatal(err)
	}
	installed(t, r.cfg.Dir, 70, 2)
}

// What is here with other bytes than it should have is fetched again, and what does not
// belong to the state is removed.
func TestWhatIsHereAlreadyIsHeldAgainstItsChecksum(t *testing.T) {
	l := newLending(t, 20)
	w := &wire{to: map[replica.Leader]*lending{"n1": l}}
	r := receiving(t, w)
	c, err := l.Store.StateCheckpoint()
	must(t, err)
	for _, f := range c.Files {
		must(t, os.MkdirAll(filepath.Dir(filepath.Join(r.path(fetchingDir), f.Name)), 0o700))
		must(t, os.WriteFile(filepath.Join(r.path(fetchingDir), f.Name), make([]byte, f.Bytes), 0o600))
	}
	must(t, os.WriteFile(filepath.Join(r.path(fetchingDir), "999999.sst"), []byte("other"), 0o600))
	must(t, os.WriteFile(r.path(senderFile), []byte("n1"), 0o600))
	if !r.from(t, "n1") {
		t.Fatal(r.Progress().Failed)
	}
	if _, err := os.Stat(filepath.Join(r.path(fetchedDir), "999999.sst")); !os.IsNotExist(err) {
		t.Error("a file stays that does not belong to the state")
	}
	if _, err := Install(r.cfg.Dir, "n2", silent); err != nil {
		t.Fatal(err)
	}
	installed(t, r.cfg.Dir, 20, 2)
}

// One leader at a time is given a state; what cannot be given or taken says why, and the next
// try waits.
func TestWhyNoStateIsFetched(t *testing.T) {
	l := newLending(t, 3)
	w := &wire{to: map[replica.Leader]*lending{"n1": l}}
	r := receiving(t, w)
	want := func(part string, failures int) {
		t.Helper()
		if r.from(t, "n1") || !strings.Contains(r.Progress().Failed, part) || r.failures.Count != failures || readFailures(r.cfg.Dir).Count != failures {
			t.Errorf("it failed because %q, %d times; want %q", r.Progress().Failed, r.failures.Count, part)
		}
	}
	lent, err := l.lend.Lend(l.Store.StateCheckpoint)
	must(t, err)
	want("one is under way", 1)
	must(t, l.lend.Return(lent.ID))
	l.whole = errors.New("it joins itself")
	want("it joins itself", 2)
	l.whole = nil
	r.cfg.Space = func() (uint64, bool) { return 1000, true }
	want("give the disk more room", 3)
	if first, last := (&failures{Count: 1}).next(), (&failures{Count: 99}).next(); last.Sub(first) != maxRest-minRest {
		t.Errorf("it rests from %s to %s", first, last)
	}
	for _, m := range []manifest{
		{}, {ID: "x"}, {ID: "x", Files: []listed{{"../x", 1}}}, {ID: "x", Files: []listed{{"/x", 1}}}, {ID: "x", Files: []listed{{"a/b", 1}}},
		{ID: "x", Files: []listed{{"log/../x", 1}}}, {ID: "x", Files: []listed{{"x", -1}}},
	} {
		if m.check() == nil {
			t.Errorf("%+v is taken", m)
		}
	}
}
