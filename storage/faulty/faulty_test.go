package faulty

import (
	"errors"
	"io"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// TestEachFault: what fails, and that reading and what was written before do not.
func TestEachFault(t *testing.T) {
	for _, c := range []struct {
		fault                       Fault
		write, create, sync, remove error
	}{
		{None, nil, nil, nil, nil},
		{Full, syscall.ENOSPC, syscall.ENOSPC, nil, nil},
		{Broken, syscall.EIO, syscall.EIO, syscall.EIO, syscall.EIO},
	} {
		var d Disk
		fs := d.Over(vfs.NewMem())
		f, err := fs.Create("a", vfs.WriteCategoryUnspecified)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write([]byte("before")); err != nil {
			t.Fatal(err)
		}
		d.Set(c.fault)
		_, write := f.Write([]byte("after"))
		_, create := fs.Create("b", vfs.WriteCategoryUnspecified)
		sync := f.Sync()
		r, err := fs.Open("a")
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if want := map[bool]string{true: "beforeafter", false: "before"}[c.write == nil]; err != nil || string(text) != want {
			t.Errorf("%s: it reads %q, %v", c.fault, text, err)
		}
		remove := fs.Remove("a")
		for _, e := range [][2]error{{write, c.write}, {create, c.create}, {sync, c.sync}, {remove, c.remove}} {
			if !errors.Is(e[0], e[1]) {
				t.Errorf("%s: %v, want %v", c.fault, e[0], e[1])
			}
		}
		if got, err := Parse(c.fault.String()); got != c.fault || err != nil {
			t.Errorf("%q is read as %v, %v", c.fault, got, err)
		}
	}
	if _, err := Parse("half"); err == nil {
		t.Error("half is a fault")
	}
}

// TestAFullDiskHasNoRoom, as whoever asks is told.
func TestAFullDiskHasNoRoom(t *testing.T) {
	var d Disk
	fs := d.Over(vfs.Default)
	before, err := fs.GetDiskUsage(t.TempDir())
	d.Set(Full)
	after, again := fs.GetDiskUsage(t.TempDir())
	if err != nil || again != nil || before.AvailBytes == 0 || after.AvailBytes != 0 {
		t.Errorf("before %+v, %v; full %+v, %v", before, err, after, again)
	}
}
