package lock

import "syscall"

// attributes lets the command die with whoever holds the lock.
func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
