package node

import (
	"context"

	"kvd/replica/console"
	"kvd/storage/backup"
	"kvd/storage/offline"
)

// Verified is what was found of a directory that no leader runs on.
type Verified = offline.Verified

// Verify is [offline.Verify].
func Verify(ctx context.Context, dir string, sumsOnly bool, tell func(files int, bytes int64)) (*Verified, error) {
	return offline.Verify(ctx, dir, sumsOnly, tell)
}

// Restore is [offline.Restore].
func Restore(ctx context.Context, from, dir string, tell func(files int, bytes int64)) (*Verified, error) {
	return offline.Restore(ctx, from, dir, tell)
}

// aboutBackup is what a backup of this leader says of it.
func (l *Leader) aboutBackup() (backup.About, error) {
	beside, err := l.policies.Beside()
	return backup.About{
		Cluster: l.cfg.Cluster, Leader: l.cfg.Name, Origin: l.origin.String(), Policy: l.cfg.Policy.String(),
		Version: l.cfg.Version, Taken: l.clock.Now().Wall.Midpoint().Time().UTC(), Beside: beside,
	}, err
}

// lastBackup may be asked before clients are served.
func (l *Leader) lastBackup() console.Backup {
	if l.clients.Load() == nil {
		return console.Backup{}
	}
	return l.backups.Last()
}
