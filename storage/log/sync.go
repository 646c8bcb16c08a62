package log

import "fmt"

// Sync makes durable what was written before the call, in however many segments that is,
// and returns the position up to which all is durable. Concurrent calls share: whoever
// waits for another's call finds its own done, or syncs for all who wait. After a failure
// nothing is synced again: what the disk holds is not known then.
func (l *Log) Sync() (Position, error) {
	target := l.End()
	if err := l.failure(); err != nil || l.Synced() >= target {
		return l.Synced(), err
	}
	l.syncing.Lock()
	defer l.syncing.Unlock()
	if err := l.failure(); err != nil || l.Synced() >= target {
		return l.Synced(), err
	}
	if err := l.syncFile(); err != nil {
		l.fail(err)
		return l.Synced(), err
	}
	return l.Synced(), nil
}

// syncFile syncs the active segment, and the directory when the segment is new. Segments
// before it were synced when they were left. syncing is held: the active segment stays
// what it is.
func (l *Log) syncFile() error {
	end, f := l.end.Load(), l.active
	if err := f.SyncData(); err != nil {
		return fmt.Errorf("sync log segment %s: %w", f.path, err)
	}
	if l.unnamed {
		if err := syncDir(l.o.FS, l.o.Dir); err != nil {
			return err
		}
		l.unnamed = false
	}
	l.synced.Store(end)
	return nil
}
