package storage_test

import (
	"fmt"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"kvd/storage"
	"kvd/storage/storagetest"
)

// Many keys are read from the database before the log is folded into them, and what they
// held there counts: after a crash all is as it was.
func TestReplayOfManyKeys(t *testing.T) {
	mem := vfs.NewCrashableMem()
	o := storagetest.Options(mem, "leader")
	o.WriteBehind = 16 << 20
	const keys = 1500
	l := storagetest.Open(t, o, 1)
	for i := range keys {
		l.Set(fmt.Sprintf("k%04d", i), "first")
	}
	l.Close() // what is there is in the database now
	l = storagetest.Open(t, o, 2)
	for i := range keys {
		l.SetBeside(fmt.Sprintf("k%04d", i), "second")
	}
	after := mem.CrashClone(vfs.CrashCloneCfg{})
	want, err := l.Store.Digest()
	must(t, err)
	for _, readOnly := range []bool{true, false} {
		o.FS, o.ReadOnly = after, readOnly
		s, err := storage.Open(o)
		must(t, err)
		got, err := s.Digest()
		must(t, err)
		if got != want {
			t.Errorf("read only %v: after a crash the objects are others than before", readOnly)
		}
		object, err := s.Object("k0777")
		must(t, err)
		if len(object.Versions) != 2 {
			t.Errorf("read only %v: a key that was written twice side by side has %d versions", readOnly, len(object.Versions))
		}
		must(t, s.Close())
	}
}
