package source

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/facebook/time/ntp/chrony"

	"kvd/wallclock"
)

// chronyAddress is chronyd's command port, as it is by default.
const chronyAddress = "127.0.0.1:323"

// askTimeout bounds how long an answer is waited for.
const askTimeout = 2 * time.Second

// Chrony is the tracking report of the chronyd at an address; empty: this machine's.
func Chrony(address string) Source {
	c := chronyd{address: chronyAddress, name: "chrony"}
	if address != "" {
		c = chronyd{address: address, name: "chrony:" + address}
	}
	return c
}

type chronyd struct{ address, name string }

func (c chronyd) Name() string       { return c.name }
func (chronyd) Every() time.Duration { return time.Second }

func (c chronyd) Sample(ctx context.Context, clock Clock) (Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	conn, err := (&net.Dialer{}).DialContext(ctx, "udp", c.address) // a socket of its own: no late answer to an older question
	if err != nil {
		return Answer{}, fmt.Errorf("chronyd: %w", err)
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })()
	at := clock() // before the question: what chronyd knows is no older
	reply, err := (&chrony.Client{Connection: conn}).Communicate(chrony.NewTrackingPacket())
	if err != nil {
		return Answer{}, fmt.Errorf("no chronyd answers at %s (%w); its command port may be closed (cmdport)", c.address, err)
	}
	t, ok := reply.(*chrony.ReplyTracking)
	if !ok {
		return Answer{}, fmt.Errorf("what answers at %s is no chronyd", c.address)
	}
	return judgeTracking(t.Tracking, at, clock().Mono)
}

// unsynchronised is chronyd's leap status where it has no source.
const unsynchronised = 3

func judgeTracking(t chrony.Tracking, at wallclock.Moment, answered wallclock.Mono) (Answer, error) {
	if t.LeapStatus >= unsynchronised || t.Stratum == 0 || t.Stratum > 15 {
		return Answer{}, errors.New("chronyd is not synchronised; chronyc sources says with whom it tries")
	}
	correction := seconds(t.CurrentCorrection).Abs()
	dispersion, delay := seconds(t.RootDispersion), seconds(t.RootDelay)
	if dispersion < 0 || delay < 0 {
		return Answer{}, fmt.Errorf("chronyd answers with a root dispersion of %s and a root delay of %s", dispersion, delay)
	}
	most := correction + dispersion + delay/2 + answered.Sub(at.Mono)
	if err := sane(most); err != nil {
		return Answer{}, err
	}
	return Answer{within(most, at), fmt.Sprintf("correction %s, root dispersion %s, root delay %s, stratum %d", correction, dispersion, delay, t.Stratum)}, nil
}
