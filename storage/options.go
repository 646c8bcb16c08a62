package storage

import (
	"errors"
	"fmt"
	"time"

	"kvd/storage/disk"
	"kvd/storage/internal/rows"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// Sync says when a commit reaches the disk itself.
type Sync uint8

// The promises.
const (
	SyncAlways   Sync = iota // before Commit returns
	SyncInterval             // within Options.Interval, and at Close
	SyncNever                // when the operating system likes, and at Close
)

// String names the promise as flags do.
func (s Sync) String() string {
	switch s {
	case SyncAlways:
		return "always"
	case SyncInterval:
		return "interval"
	case SyncNever:
		return "never"
	}
	return fmt.Sprintf("sync %d", uint8(s))
}

// ParseSync reads what [Sync.String] wrote.
func ParseSync(s string) (Sync, error) {
	for _, y := range [...]Sync{SyncAlways, SyncInterval, SyncNever} {
		if y.String() == s {
			return y, nil
		}
	}
	return 0, fmt.Errorf("sync %q is not known; use always, interval or never", s)
}

// What zero fields of Options stand for.
const (
	DefaultInterval = time.Second // what a client may lose under SyncInterval; Redis' everysec is the same
	DefaultCache    = 256 << 20   // a million small objects stay in memory
	DefaultMemTable = 32 << 20    // three of them may be in memory
)

// smallMemTable is the size below which a store is taken for one of thousands:
// it then keeps its other structures small too.
const smallMemTable = 4 << 20

// stopMemTables is how many memtables pebble may hold before it lets a commit
// wait for a flush, which may never end. Package disk lets it wait much
// sooner, though it counts batches, and small rows take thrice as much in a memtable.
const stopMemTables = 10

// Options is how a store is opened. The zero Options, given a Dir, is a durable
// store on this machine's disk.
type Options struct {
	FS       vfs.FS // nil: this machine's
	Dir      string // made when absent; its parent is synced
	Sync     Sync
	Interval time.Duration // SyncInterval: at most this long unsynced; zero: DefaultInterval
	// Cache is the bytes of blocks kept in memory, allocated as used; zero: DefaultCache.
	// Pebble takes memtables out of its cache: the one that is being filled, and one that
	// is being flushed or kept to be filled next. It is given as much more, or nothing
	// would be left of a small one.
	Cache int64
	// WriteBehind is the bytes of objects that wait in memory until they are put into the
	// database together, for some seconds at most; zero: each batch puts its own there. The
	// log has the ops that they follow from.
	WriteBehind int64
	// SegmentBytes is the size of a segment of the log, which is removed as a whole; zero:
	// 64 MiB.
	SegmentBytes int64
	MemTable     int           // bytes buffered before a flush, allocated as used; zero: DefaultMemTable
	ReadOnly     bool          // the directory must hold a store, and stays as it is; Commit fails
	Logger       pebble.Logger // nil: errors to the standard log, all else dropped. Fatalf is never called
}

// Validate reports what cannot be opened.
func (o Options) Validate() error {
	switch {
	case o.Dir == "":
		return errors.New("storage: no directory is named; set Dir")
	case o.Sync > SyncNever:
		return fmt.Errorf("storage: %s is not known; use SyncAlways, SyncInterval or SyncNever", o.Sync)
	case o.Interval < 0:
		return fmt.Errorf("storage: sync interval %s is negative", o.Interval)
	case o.WriteBehind < 0:
		return fmt.Errorf("storage: objects of %d bytes that wait is negative", o.WriteBehind)
	case o.Cache < 0:
		return fmt.Errorf("storage: a cache of %d bytes is negative", o.Cache)
	case o.MemTable != 0 && (o.MemTable < 16<<10 || o.MemTable > 1<<30):
		return fmt.Errorf("storage: a memtable of %d bytes; use 16 KiB to 1 GiB", o.MemTable)
	}
	return nil
}

// withDefaults fills in what is zero.
func (o Options) withDefaults() Options {
	if o.FS == nil {
		o.FS = vfs.Default
	}
	if o.Interval == 0 {
		o.Interval = DefaultInterval
	}
	if o.Cache == 0 {
		o.Cache = DefaultCache
	}
	if o.MemTable == 0 {
		o.MemTable = DefaultMemTable
	}
	if o.Logger == nil {
		o.Logger = disk.Quiet{}
	}
	return o
}

// pebble is o in pebble's words.
func (o Options) pebble(fs *disk.FS, beforeFlush func()) *pebble.Options {
	p := &pebble.Options{
		FS:                          fs,
		CacheSize:                   o.Cache + 2*int64(o.MemTable), // see Options.Cache
		ReadOnly:                    o.ReadOnly,
		FormatMajorVersion:          pebble.FormatNewest,
		MemTableSize:                uint64(o.MemTable),
		MemTableStopWritesThreshold: stopMemTables,
		L0CompactionThreshold:       48, // objects are mostly read from memory, and what is gathered is merged once
		L0StopWritesThreshold:       1000,
		LBaseMaxBytes:               512 << 20, // one level more is one rewriting more
		MaxOpenFiles:                1000,
		BytesPerSync:                512 << 10,
		DisableWAL:                  true, // the log is it
		Logger:                      fs.Logger(o.Logger),
		EventListener:               fs.Listener(beforeFlush),
	}
	for i := range p.Levels {
		p.Levels[i].FilterPolicy = bloom.FilterPolicy(10)
	}
	p.Experimental.CompactionScheduler = fs.Compactions()
	p.Experimental.ValueSeparationPolicy, p.Experimental.SpanPolicyFunc = rows.Separation, rows.Spans
	if o.MemTable < smallMemTable {
		p.MaxOpenFiles = 64
		p.DisableTableStats = true
		p.Experimental.FileCacheShards = 1
	}
	return p
}
