package link

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"time"
	"unicode/utf8"

	"kvd/logical"
	"kvd/replica"
	"kvd/replica/wire"
	"kvd/resolve/limits"
)

// Protocol versions this program speaks.
const (
	protocolMin = 7
	protocolMax = 9
)

// repairVersion is the version since which leaders compare their objects, and floorVersion
// that since which a status may have a Floor.
const (
	repairVersion = 8
	floorVersion  = 9
)

// Config is what a mesh is told once.
type Config struct {
	Name    replica.Leader
	Cluster string         // leaders of another cluster are refused
	Origin  logical.Origin // of the present incarnation of this leader
	Policy  string         // resolve.Policy.String(); leaders that differ are refused

	Listener   net.Listener // accepts peers; the mesh closes it
	RESP, HTTP string       // told to peers: where clients and people are served

	// TLS encrypts and authenticates both ways; nil: neither. It must demand and
	// verify the certificates of clients.
	TLS *tls.Config
	// FreshTLS is TLS as it is by the time a connection begins; nil: it stays. It is
	// asked from many goroutines, and must answer what TLS may be.
	FreshTLS func() *tls.Config
	// CertNames demands that a peer's certificate carries the leader's name as a
	// DNS name.
	CertNames bool
	// Refuses is why a leader is not talked to for now, in a sentence for whoever runs it;
	// empty: it is. It is asked from many goroutines. Nil: nobody is refused.
	Refuses func(replica.Leader) string
	// Dial opens a connection.
	Dial func(ctx context.Context, addr string) (net.Conn, error)

	MaxFrame       int // bytes; see wire.Config
	FrameBytes     int // batches, and large ops, are split to frames of about this size
	SendQueueBytes int // queued for one peer
	Window         int // credit of one peer: bytes, as wire.Charge counts them
	MaxGreetings   int // connections that have not introduced themselves

	HandshakeTimeout time.Duration // from dialling or accepting to the last word of the greeting
	IdleTimeout      time.Duration // a connection silent for so long is dead
	Backoff          Backoff

	Faults  *Faults      // nil: none; only for experiments
	Logger  *slog.Logger // nil: silent
	OnEvent func(Event)  // nil: ignored; must not block or call the mesh

	// OnPublished is told what clients of other leaders published, on the goroutine that
	// reads from the peer; it must not block. Nil: ignored.
	OnPublished func(from replica.Leader, p *wire.Published)
	// OnRepair is told what a peer said with [Mesh.Repair], likewise. The body is its own.
	OnRepair func(from replica.Leader, body []byte)
	// OnFetch takes the connection of a peer that wants to fetch what this leader holds, and
	// closes it ([Mesh.Fetch]); it must not block. Nil: such peers are refused.
	OnFetch func(from replica.Leader, c net.Conn)
	// OnQuorum takes, likewise, the connection of a peer that wants to decide something by
	// majority with this leader ([Mesh.DialQuorum]).
	OnQuorum func(from replica.Leader, c net.Conn)
	// OnPolicy takes, likewise, the connection of a peer that wants to speak of the policy, which
	// may be another there ([Mesh.DialPolicy]).
	OnPolicy func(from replica.Leader, c net.Conn)
}

// Backoff is how long to rest before dialling again: anything from zero to Min,
// doubled with each failure, up to Max. Refused is for refusals that only an
// operator can end.
type Backoff struct {
	Min, Max, Refused time.Duration
}

// Defaults are sensible for leaders a few tens of milliseconds apart.
func Defaults() Config {
	return Config{
		MaxFrame:         wire.DefaultMaxFrame,
		FrameBytes:       128 << 10,
		SendQueueBytes:   limits.Queue,
		Window:           limits.Window,
		MaxGreetings:     64,
		HandshakeTimeout: 3 * time.Second,
		IdleTimeout:      4 * time.Second,
		Backoff:          Backoff{Min: 50 * time.Millisecond, Max: 3 * time.Second, Refused: 15 * time.Second},
		Dial: func(ctx context.Context, addr string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "tcp", addr)
		},
	}
}

// Validate refuses what cannot work, naming the field.
func (c *Config) Validate() error {
	w := c.wire()
	if err := cmp.Or(w.Validate(), c.checkNames(), c.checkBounds(), c.checkTLS()); err != nil {
		return fmt.Errorf("link: %w", err)
	}
	return nil
}

func (c *Config) checkNames() error {
	for _, f := range []struct {
		field, text string
		limit       int
	}{
		{"Name", string(c.Name), wire.MaxName}, {"Cluster", c.Cluster, wire.MaxName}, {"Policy", c.Policy, wire.MaxPolicy},
		{"RESP", c.RESP, wire.MaxAddress}, {"HTTP", c.HTTP, wire.MaxAddress},
	} {
		if len(f.text) > f.limit || !utf8.ValidString(f.text) {
			return fmt.Errorf("%s is %d bytes; use at most %d bytes of UTF-8", f.field, len(f.text), f.limit)
		}
	}
	switch {
	case c.Name == "" || strings.TrimSpace(string(c.Name)) != string(c.Name):
		return fmt.Errorf("field Name is %q; a leader needs a name without spaces around it", c.Name)
	case c.Origin == 0:
		return errors.New("field Origin is zero; draw an origin first")
	case c.Listener == nil || c.Dial == nil:
		return errors.New("there is no Listener, or no Dial; peers could not be met")
	}
	return nil
}

func (c *Config) checkBounds() error {
	switch b := c.Backoff; {
	case c.FrameBytes < 1<<10 || c.FrameBytes > min(c.MaxFrame, wire.MaxShared):
		return fmt.Errorf("FrameBytes is %d; set it between 1 KiB and %d", c.FrameBytes, min(c.MaxFrame, wire.MaxShared))
	case c.SendQueueBytes < 1<<10:
		return fmt.Errorf("SendQueueBytes is %d; set at least 1 KiB", c.SendQueueBytes)
	case c.Window < 1<<10 || c.Window > 1<<30:
		return fmt.Errorf("field Window is %d; set it between 1 KiB and 1 GiB", c.Window)
	case c.MaxGreetings < 1:
		return fmt.Errorf("MaxGreetings is %d; nobody could connect", c.MaxGreetings)
	case c.HandshakeTimeout <= 0 || c.IdleTimeout <= 0:
		return fmt.Errorf("HandshakeTimeout %s, IdleTimeout %s; both must be above zero", c.HandshakeTimeout, c.IdleTimeout)
	case b.Min <= 0 || b.Max < b.Min || b.Refused <= 0:
		return fmt.Errorf("Backoff min %s, max %s, refused %s; set 0 < min <= max, and refused above zero", b.Min, b.Max, b.Refused)
	}
	return nil
}

func (c *Config) checkTLS() error {
	t := c.TLS
	switch {
	case t == nil && c.CertNames:
		return errors.New("CertNames without TLS: there are no certificates to check")
	case t == nil:
		return nil
	case t.ClientAuth != tls.RequireAndVerifyClientCert || t.ClientCAs == nil:
		return errors.New("TLS must be mutual: set ClientAuth to RequireAndVerifyClientCert, and ClientCAs")
	case t.RootCAs == nil || t.InsecureSkipVerify:
		return errors.New("TLS must verify whom it dials: set RootCAs, and not InsecureSkipVerify")
	case len(t.Certificates) == 0 && (t.GetCertificate == nil || t.GetClientCertificate == nil):
		return errors.New("TLS without a certificate of our own: set Certificates")
	}
	return nil
}

func (c *Config) wire() wire.Config { return wire.Config{MaxFrame: c.MaxFrame} }
