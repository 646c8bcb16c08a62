package live

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// attributes keep an interrupt at the terminal from the processes, which are
// ended in their turn, and let none outlive a runner that was killed.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// haltTime bounds how long a process may take to stand still.
const haltTime = 2 * time.Second

// halt pauses the process and waits until all its threads stand still.
func (p *process) halt() error {
	if err := p.pause(); err != nil {
		return err
	}
	for end := time.Now().Add(haltTime); !p.still(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			return errors.Join(fmt.Errorf("it does not stand still after %s", haltTime), p.resume())
		}
	}
	return nil
}

// still reports whether all threads are stopped, by the state after the name in
// each one's stat.
func (p *process) still() bool {
	stats, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", p.cmd.Process.Pid))
	for _, path := range stats {
		text, gone := os.ReadFile(path)
		i := bytes.LastIndexByte(text, ')')
		if gone == nil && (i < 0 || i+2 >= len(text) || text[i+2] != 'T') {
			return false
		}
	}
	return err == nil && len(stats) > 0
}
