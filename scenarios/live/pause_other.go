//go:build !unix

package live

import (
	"errors"
	"syscall"

	"kvd/scenarios/script"
)

var errPause = errors.New("a process cannot be paused on this system")

func (p *process) pause() error  { return errPause }
func (p *process) resume() error { return errPause }

// halt would pause the process and wait until it stands still.
func (p *process) halt() error { return errPause }

// attributes are none here: an interrupt at the terminal reaches the processes
// too, and the runner finds them ended.
func attributes() *syscall.SysProcAttr { return nil }

// beyond says what this system cannot do to a process; empty: it can.
func beyond(a script.Action) string {
	if _, ok := a.(script.Pause); ok {
		return errPause.Error()
	}
	return ""
}
