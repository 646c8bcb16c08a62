package member

import (
	"time"

	"github.com/hashicorp/memberlist"
	"github.com/hashicorp/serf/serf"
)

// pace is what a profile means where it is not serf's business.
type pace struct {
	poll     time.Duration // members are polled this often: not every change of serf's is an event
	retryMin time.Duration // between attempts to join, doubling
	retryMax time.Duration // and how often seeds that are still no members are tried later
}

func (p Profile) pace() pace {
	if p == Local {
		return pace{poll: 100 * time.Millisecond, retryMin: 20 * time.Millisecond, retryMax: 500 * time.Millisecond}
	}
	return pace{poll: time.Second, retryMin: 200 * time.Millisecond, retryMax: 15 * time.Second}
}

// never is how long failed members are remembered: a leader that is forgotten
// would no longer hold back what it has not yet got.
const never = 100 * 365 * 24 * time.Hour

// serfConfig is serf's configuration for the profile, all but who we are.
//
// LAN: with up to ten leaders a silent one is suspected after a probe of 500 ms
// and failed 2 s later. Below four leaders nobody can confirm a suspicion, and
// serf takes the shortest time.
func (p Profile) serfConfig() *serf.Config {
	conf := serf.DefaultConfig()
	conf.LogOutput = nil
	conf.ReconnectTimeout = never
	// A vote over a name makes a leader that is alone with the newcomer lose, and
	// shut down; the guard refuses the newcomer instead.
	conf.EnableNameConflictResolution = false
	conf.ReconnectInterval = 5 * time.Second
	conf.BroadcastTimeout = 2 * time.Second
	conf.LeavePropagateDelay = time.Second
	conf.MemberlistConfig = p.gossip()
	if p == Local {
		conf.ReconnectInterval = 300 * time.Millisecond
		conf.BroadcastTimeout = 500 * time.Millisecond
		conf.LeavePropagateDelay = 100 * time.Millisecond
	}
	return conf
}

func (p Profile) gossip() *memberlist.Config {
	g := memberlist.DefaultLANConfig()
	g.ProbeInterval, g.ProbeTimeout = 500*time.Millisecond, 200*time.Millisecond
	g.SuspicionMult, g.SuspicionMaxTimeoutMult = 4, 6
	g.TCPTimeout = 5 * time.Second
	g.PushPullInterval = 15 * time.Second
	g.DeadNodeReclaimTime = 5 * time.Second // a failed leader may come back elsewhere after this
	if p == Local {
		g.ProbeInterval, g.ProbeTimeout = 200*time.Millisecond, 100*time.Millisecond
		g.TCPTimeout = time.Second
		g.GossipInterval = 20 * time.Millisecond
		g.PushPullInterval = time.Second
		g.DeadNodeReclaimTime = 300 * time.Millisecond
	}
	return g
}
