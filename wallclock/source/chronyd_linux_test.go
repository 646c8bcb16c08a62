package source

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"kvd/wallclock"
)

// A chronyd that measures and sets nothing (-x) is asked, where there is one.
func TestARealChronyd(t *testing.T) {
	program, err := exec.LookPath("chronyd")
	if err != nil || os.Getuid() != 0 {
		t.Skip("needs chronyd and root")
	}
	free, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.LocalAddr().(*net.UDPAddr)
	free.Close()
	dir := t.TempDir()
	conf := filepath.Join(dir, "chrony.conf")
	text := fmt.Sprintf("cmdport %d\nbindcmdaddress 127.0.0.1\nbindcmdaddress /\nport 0\nlocal stratum 5\npidfile %s\n", address.Port, filepath.Join(dir, "pid"))
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	daemon := exec.CommandContext(t.Context(), program, "-x", "-d", "-u", "root", "-f", conf)
	said := &lockedBuffer{}
	daemon.Stdout, daemon.Stderr = said, said
	if err := daemon.Start(); err != nil {
		t.Fatal(err)
	}
	defer daemon.Wait()
	defer daemon.Process.Kill()
	system, source := wallclock.NewSystem(0), Chrony(address.String())
	for begin := time.Now(); ; {
		a, err := source.Sample(t.Context(), system.Now)
		if err == nil {
			if a.Ahead.Latest <= 0 || a.Ahead.Latest > time.Second {
				t.Errorf("%+v", a)
			}
			return
		}
		if time.Since(begin) > 20*time.Second {
			t.Fatalf("%v\n%s", err, said)
		}
	}
}
