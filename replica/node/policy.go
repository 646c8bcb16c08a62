package node

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"kvd/replica"
	"kvd/replica/member"
	"kvd/replica/node/internal/policies"
	"kvd/replica/wire"
)

// ErrPolicy is given by Broken when the leader is to go over to another policy: whoever runs it
// stops it and starts it again, and the start folds its objects.
var ErrPolicy = errors.New("goes over to another policy")

// retryPolicy is how long a leader waits before it looks once more whether it can go over to another
// policy. It reads its keys for that.
const retryPolicy = 15 * time.Second

// newPolicies takes part in changes of the policy.
func (l *Leader) newPolicies() *policies.Service {
	cfg := policies.Config{
		Leader: l.cfg.Name, Dir: l.sideDir(), Setting: l.setting, Loop: l.loop, Logger: l.cfg.Logger,
		Whole: l.whole, Fits: l.canTell, Members: l.everyone,
		Dial: func(ctx context.Context, to replica.Leader) (net.Conn, error) { return l.mesh.DialPolicy(ctx, to) },
	}
	if cfg.Retry = retryPolicy; l.cfg.Profile == member.Local {
		cfg.Retry = localWait
	}
	if l.cfg.Renewable {
		cfg.Again = func() { l.fail(ErrPolicy) }
	}
	return policies.New(cfg)
}

// canTell is why a policy cannot be said to others; nil: it can.
func (l *Leader) canTell(v policies.Version) error {
	if len(v.Text) > wire.MaxPolicy {
		return fmt.Errorf("the policy takes %d bytes, and leaders tell each other at most %d", len(v.Text), wire.MaxPolicy)
	}
	cfg := l.memberConfig(v)
	return cfg.Validate()
}

// everyone is the other leaders, those that were stopped in order among them: they may return.
func (l *Leader) everyone() (names []replica.Leader) {
	for _, m := range l.roster().Members {
		if m.Name != l.cfg.Name {
			names = append(names, replica.Leader(m.Name))
		}
	}
	return names
}

// Policy is what the leader serves under, as text.
func (l *Leader) Policy() string { return l.cfg.Policy.String() }
