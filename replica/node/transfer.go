package node

import (
	"errors"
	"time"

	"kvd/replica/console"
	"kvd/replica/member"
	"kvd/replica/node/internal/backups"
	"kvd/replica/node/internal/transfer"
)

// ErrInstall is given by Broken when the state of another leader was fetched, because this one
// needs what the others do not keep any more: whoever runs the leader stops it and starts it
// again, and the start installs the state.
var ErrInstall = errors.New("the state of another leader was fetched and is put in the place of the store")

// lend prepares what is asked of the whole store: backups, and its state.
func (l *Leader) lend() {
	l.backups = backups.New(backups.Config{Dir: l.sideDir(), Logger: l.cfg.Logger.With("leader", l.cfg.Name), Checkpoint: l.store.Checkpoint, About: l.aboutBackup})
	l.sender = transfer.NewSender(transfer.SenderConfig{Leader: l.cfg.Name, Store: l.store, Lend: l.backups, Whole: l.whole, Logger: l.cfg.Logger})
}

// whole is why others should not get the state of this leader; nil: they may.
func (l *Leader) whole() error {
	if !l.Serving() || l.draining.Load() || l.disk.Trouble() != "" {
		return errors.New(l.cfg.Name + " lacks something itself, or is about to stop")
	}
	return nil
}

// How long a leader waits for ops before it asks what the others keep of their logs.
const (
	lackTimeout = 3 * time.Second
	localWait   = 100 * time.Millisecond // among leaders on one machine
)

// catchUp fetches the state of another leader when that is the only way to go on. What does
// not outlive the process cannot be replaced.
func (l *Leader) catchUp() {
	if !l.onDisk() {
		return
	}
	wait := lackTimeout
	if l.cfg.Profile == member.Local {
		wait = localWait
	}
	l.receiver = transfer.NewReceiver(transfer.ReceiverConfig{
		Leader: l.cfg.Name, Dir: l.cfg.Dir, Store: l.store, Loop: l.loop, Fetch: l.mesh.Fetch, Timeout: wait, Logger: l.cfg.Logger,
		Space:   func() (uint64, bool) { free, _, ok := l.disk.Space(); return free, ok },
		Fetched: func() { l.fail(ErrInstall) },
	})
	l.serving.Go(l.receiver.Run)
}

// stateTransfer is how far it has come.
func (l *Leader) stateTransfer() console.Transfer {
	p := l.receiver.Progress()
	return console.Transfer{From: p.From, Bytes: p.Done, TotalBytes: p.Total, Failed: p.Failed}
}
