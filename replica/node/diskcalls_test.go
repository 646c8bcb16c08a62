package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"kvd/replica/member"
	"kvd/replica/replicatest"
	"kvd/resolve"
	"kvd/storage"
	"kvd/storage/disk"
)

// The dimensions of the table: every call that a filesystem has, what may become of it, and
// what a leader does meanwhile.
var (
	diskCalls = []struct {
		name string
		kind errorfs.OpKind
	}{
		{"create", errorfs.OpCreate}, {"preallocate", errorfs.OpFilePreallocate}, {"write", errorfs.OpFileWrite}, {"writeat", errorfs.OpFileWriteAt},
		{"sync", errorfs.OpFileSync}, {"syncdata", errorfs.OpFileSyncData}, {"syncto", errorfs.OpFileSyncTo}, {"close", errorfs.OpFileClose},
		{"rename", errorfs.OpRename}, {"remove", errorfs.OpRemove}, {"removeall", errorfs.OpRemoveAll}, {"link", errorfs.OpLink},
		{"reuse", errorfs.OpReuseForWrite}, {"mkdir", errorfs.OpMkdirAll}, {"lock", errorfs.OpLock}, {"list", errorfs.OpList},
		{"open", errorfs.OpOpen}, {"opendir", errorfs.OpOpenDir}, {"read", errorfs.OpFileRead}, {"readat", errorfs.OpFileReadAt},
		{"stat", errorfs.OpStat}, {"filestat", errorfs.OpFileStat}, {"usage", errorfs.OpGetDiskUsage},
	}
	diskFaults = []string{"ENOSPC", "EIO", "short", "slow"}
	diskPhases = []string{"starting", "running", "stopping"}
)

// misfortune is what becomes of the calls of one kind, once it is armed: of the at-th, and
// of all after it where the disk does not mend by itself.
type misfortune struct {
	kind  errorfs.OpKind
	fault string
	at    int64
	armed atomic.Bool
	calls atomic.Int64
	hit   chan struct{} // closed when it came true
	held  chan struct{} // slow: closed when the call may go on
}

func (m *misfortune) String() string { return m.fault }

// strikes reports whether it is this call's turn.
func (m *misfortune) strikes(kind errorfs.OpKind) bool {
	if kind != m.kind || !m.armed.Load() {
		return false
	}
	n := m.calls.Add(1) - 1
	if n == m.at {
		close(m.hit)
	}
	return n == m.at || n > m.at && (m.fault == "ENOSPC" || m.fault == "EIO")
}

func (m *misfortune) came() bool {
	select {
	case <-m.hit:
		return true
	default:
		return false
	}
}

// MaybeError is what the call returns before it does anything.
func (m *misfortune) MaybeError(op errorfs.Op) error {
	if m.fault == "short" || !m.strikes(op.Kind) {
		return nil
	}
	switch m.fault {
	case "ENOSPC":
		return syscall.ENOSPC
	case "EIO":
		return syscall.EIO
	}
	<-m.held
	return nil
}

// cutsShort is a filesystem of which one write is cut short.
type cutsShort struct {
	vfs.FS
	m *misfortune
}

func (s cutsShort) file(f vfs.File, err error) (vfs.File, error) {
	if err != nil {
		return nil, err
	}
	return shortFile{f, s.m}, nil
}

func (s cutsShort) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	return s.file(s.FS.Create(name, c))
}

func (s cutsShort) OpenReadWrite(name string, c vfs.DiskWriteCategory, o ...vfs.OpenOption) (vfs.File, error) {
	return s.file(s.FS.OpenReadWrite(name, c, o...))
}

type shortFile struct {
	vfs.File
	m *misfortune
}

func (f shortFile) Write(p []byte) (int, error) {
	if f.m.fault != "short" || !f.m.strikes(errorfs.OpFileWrite) {
		return f.File.Write(p)
	}
	n, err := f.File.Write(p[:len(p)/2])
	return n, errors.Join(io.ErrShortWrite, err)
}

func (f shortFile) WriteAt(p []byte, at int64) (int, error) {
	if f.m.fault != "short" || !f.m.strikes(errorfs.OpFileWriteAt) {
		return f.File.WriteAt(p, at)
	}
	n, err := f.File.WriteAt(p[:len(p)/2], at)
	return n, errors.Join(io.ErrShortWrite, err)
}

const (
	diskKeys   = 30 // that are there
	diskWrites = 40 // that are tried
)

func diskValue(key string) string { return key + strings.Repeat("v", 4<<10) }

// diskLeader is a leader whose memtables are small, so that tables are written, read and
// compacted while it runs.
func diskLeader(fs vfs.FS, log slog.Handler) Config {
	cfg := Defaults()
	cfg.Name, cfg.Dir, cfg.FS, cfg.Profile, cfg.Logger = "n1", "n1", fs, member.Local, slog.New(log)
	cfg.Addrs = Addrs{"127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0"}
	cfg.Policy = resolve.Policy{Default: resolve.Causal}
	cfg.Storage.MemTable, cfg.Storage.Cache = 64<<10, 64<<10
	return cfg
}

// image is the disk of a leader that was stopped in order.
func image(t *testing.T) *vfs.MemFS {
	t.Helper()
	mem := vfs.NewCrashableMem()
	for part := range 2 {
		l := start(t, diskLeader(mem, slog.DiscardHandler))
		n := newNode(t, l)
		for i := part * diskKeys / 2; i < (part+1)*diskKeys/2; i++ {
			key := fmt.Sprintf("p%02d", i)
			n.ask("SET", key, diskValue(key))
		}
		if err := l.Stop(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	return mem
}

// ordeal is one row of the table.
type ordeal struct {
	t     *testing.T
	where string
	m     *misfortune
	log   said
	n     *node
	acked []string
}

func (o *ordeal) errorf(format string, args ...any) {
	o.t.Helper()
	o.t.Errorf("%s: %s", o.where, fmt.Sprintf(format, args...))
}

// run is a leader's life on such a disk, and what became of it in a word.
func (o *ordeal) run(disk *vfs.MemFS, phase string) string {
	if phase == "starting" {
		o.m.armed.Store(true)
	}
	ended := make(chan string, 1)
	go func() { ended <- o.live(errorfs.Wrap(cutsShort{disk, o.m}, o.m), phase) }()
	hang := time.After(replicatest.Timeout)
	if o.m.fault == "slow" {
		select {
		case <-o.m.hit:
			close(o.m.held)
		case outcome := <-ended:
			ended <- outcome
		case <-hang:
		}
	}
	select {
	case outcome := <-ended:
		if !o.m.came() {
			outcome = "-"
		}
		return outcome
	case <-hang:
		o.t.Fatalf("%s: it hangs", o.where)
		return ""
	}
}

// live starts a leader, has it write, and stops it.
func (o *ordeal) live(fs vfs.FS, phase string) string {
	l, err := Start(context.Background(), diskLeader(fs, o.log))
	if err != nil {
		if disk.CauseOf(err) == disk.Unknown && !errors.Is(err, io.ErrShortWrite) || len(err.Error()) > 2000 {
			o.errorf("the start says %v", err)
		}
		return "does not start"
	}
	o.n = newNode(o.t, l)
	outcome := o.write(phase)
	o.m.armed.Store(o.m.armed.Load() || phase == "stopping")
	if err := l.Stop(context.Background()); err != nil {
		outcome += ", stop says so"
	}
	return outcome
}

// write tries all writes, and reads what was acknowledged.
func (o *ordeal) write(phase string) string {
	ctx := context.Background()
	for i := range diskWrites {
		key := fmt.Sprintf("w%02d", i)
		if err := o.n.client.Set(ctx, key, diskValue(key), 0).Err(); err != nil {
			if !strings.HasPrefix(err.Error(), "READONLY") && !strings.Contains(err.Error(), "cannot be read") {
				o.errorf("a write is answered %v", err)
			}
			o.read(o.acked...)
			return "reads only"
		}
		if o.acked = append(o.acked, key); i == 0 && phase == "running" {
			o.m.armed.Store(true)
		}
		o.read(fmt.Sprintf("p%02d", i%diskKeys))
	}
	o.read(o.acked...)
	return "serves"
}

// read checks that keys which were acknowledged show their values; or errors, where reading
// is what fails.
func (o *ordeal) read(keys ...string) {
	for _, key := range keys {
		got, err := o.n.client.Get(context.Background(), key).Result()
		if err == nil && got != diskValue(key) || err != nil && o.m.kind.ReadOrWrite() != errorfs.OpIsRead {
			o.errorf("%s was acknowledged and is read as %.20q, %v", key, got, err)
		}
	}
}

// after checks what is there once the disk is well again.
func (o *ordeal) after(mem vfs.FS, what string) {
	s, err := storage.Open(storage.Options{FS: mem, Dir: "n1/store", Cache: 1 << 20, MemTable: 64 << 10, Logger: noErrors{}})
	if err != nil {
		o.errorf("on a %s disk it does not open: %v", what, err)
		return
	}
	defer s.Close()
	keys := o.acked
	for i := range diskKeys {
		keys = append(keys, fmt.Sprintf("p%02d", i))
	}
	for _, key := range keys {
		obj, err := s.Object(key)
		if err != nil || len(obj.Versions) != 1 || string(obj.Versions[0].Value) != diskValue(key) {
			o.errorf("%s was acknowledged, and on a %s disk it is %d versions, %v", key, what, len(obj.Versions), err)
		}
	}
}

type noErrors struct{ disk.Quiet }

func (noErrors) Errorf(string, ...any) {}

// tellsOnce checks that nothing was said again and again.
func (o *ordeal) tellsOnce() {
	o.log.mu.Lock()
	defer o.log.mu.Unlock()
	for message, n := range o.log.count {
		if n > 2 {
			o.errorf("%q was logged %d times", message, n)
		}
	}
}

// TestEveryCallOfTheDisk is the table: whatever becomes of whichever call, while the leader
// starts, runs or stops, nothing panics or hangs, what was acknowledged is there when the
// disk is well again, with and without a crash, and is read meanwhile, and the reason is told
// once. With KVD_DISK=1 every row is played, and the table is printed.
func TestEveryCallOfTheDisk(t *testing.T) {
	long := os.Getenv("KVD_DISK") == "1"
	whole := image(t)
	outcomes, row := map[string]string{}, 0
	for _, c := range diskCalls {
		for _, phase := range diskPhases {
			for _, fault := range diskFaults {
				if fault == "short" && c.name != "write" && c.name != "writeat" {
					continue
				}
				for _, at := range []int64{0, 2} {
					if row++; !long && row%11 != 0 {
						continue
					}
					mem := whole.CrashClone(vfs.CrashCloneCfg{})
					o := &ordeal{t: t, where: fmt.Sprintf("%s of call %d of %s while %s", fault, at+1, c.name, phase), log: listen(),
						m: &misfortune{kind: c.kind, fault: fault, at: at, hit: make(chan struct{}), held: make(chan struct{})}}
					outcome := o.run(mem, phase)
					o.tellsOnce()
					o.after(mem.CrashClone(vfs.CrashCloneCfg{}), "crashed")
					o.after(mem, "mended")
					if key := c.name + phase + fault; outcomes[key] == "" || outcomes[key] == "-" {
						outcomes[key] = outcome
					}
				}
			}
		}
	}
	if long {
		printDisk(t, outcomes)
	}
}

func printDisk(t *testing.T, outcomes map[string]string) {
	var text strings.Builder
	w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	for _, phase := range diskPhases {
		fmt.Fprintf(w, "\n%s\t%s\n", phase, strings.Join(diskFaults, "\t"))
		for _, c := range diskCalls {
			fmt.Fprint(w, c.name)
			for _, fault := range diskFaults {
				fmt.Fprint(w, "\t", outcomes[c.name+phase+fault])
			}
			fmt.Fprintln(w)
		}
	}
	w.Flush()
	t.Log(text.String())
}
