//go:build unix

package live

import (
	"syscall"

	"kvd/scenarios/script"
)

// pause stops the process where it stands; resume lets it go on.
func (p *process) pause() error  { return p.cmd.Process.Signal(syscall.SIGSTOP) }
func (p *process) resume() error { return p.cmd.Process.Signal(syscall.SIGCONT) }

// beyond says what this system cannot do to a process; empty: it can.
func beyond(script.Action) string { return "" }
