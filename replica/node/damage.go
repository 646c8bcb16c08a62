package node

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"kvd/logical"
	"kvd/replica"
	"kvd/replica/console"
	"kvd/replica/host"
	"kvd/replica/node/internal/known"
	"kvd/replica/node/internal/sidefile"
	"kvd/storage"
	"kvd/storage/disk"
	"kvd/storage/file"
	"kvd/storage/salvage"
)

// damage is what a start found wrong with the store, and what has to come back.
// Claimed and what do not change after the start.
type damage struct {
	what    string           // empty: the store was whole
	claimed logical.Frontier // how far the log had come
}

// probes is how many ops of the log a start looks for.
const probes = 1024

// openStore opens the store. A damaged one is made anew from whatever can be read
// of it, and is kept beside it.
func (l *Leader) openStore(context.Context) (err error) {
	if !l.onDisk() {
		return l.openWhole()
	}
	if err := os.MkdirAll(l.cfg.Dir, 0o700); err != nil {
		return fmt.Errorf("the data directory: %w", err)
	}
	placed, err := l.placeRebuilt()
	if err != nil {
		return fmt.Errorf("rebuild the store: %w", err)
	}
	var e extent
	if _, err := sidefile.Read(l.cfg.Dir, extentFile, &e); err != nil {
		l.cfg.Logger.Warn("how far the store had come is not known", "leader", l.cfg.Name, "why", err.Error())
		e = extent{}
	}
	l.damage.claimed = e.frontier()
	if placed { // what is known of the manifest is of the one before
		return l.openWhole()
	}
	if e.Damage != "" && !l.alwaysAlone() {
		return l.rebuild(errors.New(e.Damage))
	}
	if err = salvage.Examine(vfs.Default, l.storeDir(), e.Manifest); err == nil {
		err = l.openWhole()
	}
	if disk.CauseOf(err) == disk.Damaged {
		return l.rebuild(err)
	}
	if err == nil && e.Damage != "" {
		l.store.Hurt(errors.New(e.Damage))
	}
	return err
}

// alwaysAlone reports whether there never was anybody to fetch anything from. Such
// a leader serves what it can of a damaged store, since a store made anew would end
// at the first op that cannot be read.
func (l *Leader) alwaysAlone() bool {
	members, err := known.ReadMembers(l.cfg.Dir)
	return err == nil && len(members) == 0 && len(l.cfg.Join) == 0
}

// openWhole opens a store whose log reaches as far as its state says.
func (l *Leader) openWhole() (err error) {
	s := l.cfg.Storage
	l.store, err = storage.Open(storage.Options{
		FS: l.cfg.FS, Dir: l.storeDir(), Sync: s.Sync, Interval: s.Interval, Cache: s.Cache,
	})
	if err != nil {
		return err
	}
	err = l.store.CheckLog(probes)
	if disk.CauseOf(err) == disk.Damaged && l.onDisk() && l.alwaysAlone() {
		l.store.Hurt(err)
		return nil
	}
	if err != nil {
		err = errors.Join(err, l.store.Close())
		l.store = nil
	}
	return err
}

// rebuild makes a store of what can be read of a damaged one. Whenever it is
// stopped, the next start goes on: until the new store is whole and has the name
// that says so, the damaged one is where it was.
//
//	store, store.rebuilding ─▶ store, store.rebuilt ─▶ store.damaged-n, store.rebuilt ─▶ store.damaged-n, store
func (l *Leader) rebuild(cause error) error {
	l.damage.what = cause.Error()
	l.cfg.Logger.Error("the store is damaged; it is made anew from what can be read of it", "leader", l.cfg.Name, "why", cause.Error())
	fresh := filepath.Join(l.cfg.Dir, "store.rebuilding")
	if err := errors.Join(os.RemoveAll(fresh), os.RemoveAll(l.rebuiltDir())); err != nil {
		return fmt.Errorf("rebuild the store: %w", err)
	}
	to, err := storage.Open(storage.Options{Dir: fresh, Sync: storage.SyncNever, Cache: 8 << 20})
	if err != nil {
		return fmt.Errorf("rebuild the store: %w", err)
	}
	found, err := storage.Salvage(vfs.Default, l.storeDir(), to)
	if err = errors.Join(err, to.Close()); err != nil {
		return fmt.Errorf("rebuild the store: %w", err)
	}
	aside := l.aside()
	for _, step := range [][2]string{{fresh, l.rebuiltDir()}, {l.storeDir(), aside}} {
		if err := cmp.Or(os.Rename(step[0], step[1]), file.SyncDir(l.cfg.Dir)); err != nil {
			return fmt.Errorf("rebuild the store: %w; the damaged one is %s or %s", err, l.storeDir(), aside)
		}
	}
	if _, err := l.placeRebuilt(); err != nil {
		return fmt.Errorf("rebuild the store: %w; the damaged one is %s", err, aside)
	}
	l.damage.claimed = l.damage.claimed.Join(found.Claimed)
	l.cfg.Logger.Warn("what could be read of the damaged store was salvaged", "leader", l.cfg.Name, "files", found.Examined, "ops", found.Ops,
		"unread", strings.Join(found.Unread, "; "), "kept", aside, "next", "remove it when everything has come back")
	return l.openWhole()
}

// rebuiltDir is where a store that was made anew waits, whole, until the damaged one
// is out of its way.
func (l *Leader) rebuiltDir() string { return l.storeDir() + ".rebuilt" }

// placeRebuilt puts a store that was made anew in the place of the damaged one, once
// that is out of it.
func (l *Leader) placeRebuilt() (placed bool, err error) {
	if _, err := os.Lstat(l.storeDir()); !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	if err := os.Rename(l.rebuiltDir(), l.storeDir()); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
		return false, err
	}
	if l.damage.what == "" {
		l.damage.what = "the leader stopped while it made the store anew"
	}
	return true, file.SyncDir(l.cfg.Dir)
}

// aside is a name for a damaged store that nothing has.
func (l *Leader) aside() string {
	for n := 1; ; n++ {
		name := fmt.Sprintf("%s.damaged-%d", l.storeDir(), n)
		if _, err := os.Lstat(name); err != nil {
			return name
		}
	}
}

// recover applies what was salvaged, and finds what is missing. Nobody is served
// before.
func (l *Leader) recover() error {
	r, err := host.NewRecovery(l.store)
	if err != nil {
		return err
	}
	l.recovery = r
	if r != nil {
		l.damage.claimed = l.damage.claimed.Join(r.Waiting())
		last := time.Now()
		err := l.pump.Recover(r, l.clock, func(ops int) {
			if time.Since(last) > time.Second {
				last = time.Now()
				l.cfg.Logger.Info("applies again what was salvaged", "leader", l.cfg.Name, "ops", ops)
			}
		})
		if err != nil {
			return fmt.Errorf("apply again what was salvaged: %w", err)
		}
		more, err := r.Drop(l.pump.State().Frontier)
		if err != nil {
			return err
		}
		if !more {
			l.recovery = nil
		}
	}
	return l.keepExtent(l.pump.State().Frontier)
}

// missing is what the log had and has not now, by origin.
func missing(claimed, f logical.Frontier) []stretch {
	var out []stretch
	for d := range claimed.All() {
		if have := f.At(d.Origin); have < d.Seq {
			out = append(out, stretch{origin: d.Origin, from: have + 1, to: d.Seq})
		}
	}
	return out
}

func (l *Leader) missing() []stretch { return missing(l.damage.claimed, l.loop.Frontier()) }

func (l *Leader) missingOps() (n int) {
	for _, s := range l.missing() {
		n += s.ops()
	}
	return n
}

// maxNamed bounds how many stretches a sentence names.
const maxNamed = 8

// tellMissing is a sentence.
func (l *Leader) tellMissing(all []stretch) string {
	var b strings.Builder
	n := 0
	for i, s := range all {
		if n += s.ops(); i < maxNamed {
			fmt.Fprintf(&b, ", %s from %d to %d", s.origin, s.from, s.to)
		}
	}
	if len(all) > maxNamed {
		fmt.Fprintf(&b, ", and of %d origins more", len(all)-maxNamed)
	}
	return fmt.Sprintf("%d ops that the log held are missing, or wait for one that is%s", n, b.String())
}

// heal says what is missing, keeps clients away while others may bring it, and
// feeds what was salvaged when what it waits for has come. It ends when all is
// back.
func (l *Leader) heal() {
	lost := l.missing()
	if len(lost) == 0 {
		l.healed(nil)
		return
	}
	l.cfg.Logger.Error("the store is damaged: "+l.tellMissing(lost), "leader", l.cfg.Name, "why", l.damage.what, "next", "others that have them send them; nobody need do anything")
	end := func() {}
	if total := l.missingOps(); len(l.known) > 0 && !l.cfg.ServeDamaged {
		end = l.holds.begin(console.Repairing, func() (string, console.Progress) {
			left := l.missing()
			return l.tellMissing(left) + "; they are fetched from the others", console.Progress{Done: uint64(total - l.missingOps()), Total: uint64(total)}
		})
	}
	l.serving.Go(func() { l.untilHealed(end) })
}

// healEvery is how often a damaged leader looks what has come back.
const healEvery = 50 * time.Millisecond

func (l *Leader) untilHealed(end func()) {
	tick := time.NewTicker(healEvery)
	defer tick.Stop()
	for {
		select {
		case <-l.loop.Done():
			return
		case <-tick.C:
		}
		if err := l.feedSalvaged(); err != nil {
			l.store.Hurt(err)
		}
		if len(l.missing()) == 0 && l.recovery == nil {
			l.healed(end)
			return
		}
		if l.nobodyHas(l.missing()) {
			end()
		}
	}
}

// fedRest is how long a loop has that is slow to apply what it was handed. What it
// turned away it never applies.
const fedRest = time.Second

// feedSalvaged hands the loop what can be applied by now, a part after the other.
func (l *Leader) feedSalvaged() error {
	if l.recovery == nil || !l.loop.Frontier().Covers(l.fed) && time.Since(l.fedAt) < fedRest {
		return nil
	}
	ops, err := l.recovery.Next(l.loop.Frontier())
	if err != nil {
		return err
	}
	if len(ops) > 0 {
		l.fed, l.fedAt = ops[len(ops)-1].Dot, time.Now()
		l.loop.Deliver(replica.Recovered{Ops: ops})
		return nil
	}
	more, err := l.recovery.Drop(l.loop.Frontier())
	if err == nil && !more {
		l.recovery = nil
	}
	return err
}

// nobodyHas reports whether everybody who was known has been heard, and none of
// them has what is next missing: then waiting does not bring it.
func (l *Leader) nobodyHas(lost []stretch) bool {
	heard := map[string]bool{}
	for _, p := range l.loop.Status().Peers {
		if p.Life == 0 {
			continue
		}
		heard[string(p.Peer)] = true
		for _, s := range lost {
			if p.Known.At(s.origin) >= s.from {
				return false
			}
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for name := range l.known {
		if !heard[name] {
			return false
		}
	}
	return true
}

// healed ends an alarm.
func (l *Leader) healed(end func()) {
	if end != nil {
		end()
		l.cfg.Logger.Warn("everything that the damaged store had lost has come back", "leader", l.cfg.Name)
	}
}

// damaged is why the leader is not as it should be; empty: it is.
func (l *Leader) damaged() string {
	switch lost := l.missing(); {
	case len(lost) > 0 && l.nobodyHas(lost):
		return l.tellMissing(lost) + "; everybody who is known was heard, and nobody has the next of them: write anew what was in them, and have clients sent here with --serve-damaged"
	case len(lost) > 0:
		return l.tellMissing(lost) + "; others that have them send them, and whoever was not heard yet may"
	}
	if err := l.store.Damage(); err != nil {
		return fmt.Sprintf("a part of the store cannot be read, and the rest is served: %v; start the leader again: it makes the store anew from what can be read, and fetches the rest from the others", err)
	}
	return ""
}
