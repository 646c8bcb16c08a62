package returning

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"kvd/logical"
	"kvd/storage/exported"
)

// On a full disk there is no file, and no half of one.
func TestAnExportOnAFullDisk(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "f")
	if err := os.Symlink("/dev/full", path+".part"); err != nil {
		t.Fatal(err)
	}
	n, err := export(stored(t, 100), path, &exported.Header{}, logical.FrontierOf(logical.Dot{Origin: 1, Seq: 50}), logical.Frontier{}, func() bool { return false })
	if left, _ := os.ReadDir(dir); !errors.Is(err, syscall.ENOSPC) || n != 0 || len(left) != 0 {
		t.Errorf("%d, %v; %v is left", n, err, left)
	}
}
