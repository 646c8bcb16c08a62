//go:build unix && !linux

package live

import (
	"errors"
	"syscall"
)

// attributes keep an interrupt at the terminal from the processes, which are
// ended in their turn.
func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// halt would pause the process and wait until it stands still.
func (p *process) halt() error {
	return errors.New("it cannot be known here whether a process stands still")
}
