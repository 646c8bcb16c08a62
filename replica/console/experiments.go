package console

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
)

// Experiments is a sample load and faults that the page of a development cluster can
// change. Both methods are called from several goroutines at once.
type Experiments interface {
	// State is what is wanted now.
	State() Experiment
	// Change does what is named and leaves the rest. It refuses what makes no sense, and
	// then changes nothing.
	Change(ExperimentChange) error
}

// Experiment is what is being tried.
type Experiment struct {
	Rate    int                `json:"rate"` // writes a second that are wanted
	MaxRate int                `json:"max_rate"`
	Done    uint64             `json:"done"`    // writes that were acknowledged
	Refused uint64             `json:"refused"` // requests that were not
	DelayMS float64            `json:"delay_ms"`
	MaxMS   float64            `json:"max_ms"` // of a delay, and of a skew either way
	Leaders []ExperimentLeader `json:"leaders"`
}

// ExperimentLeader is what is wrong with one leader.
type ExperimentLeader struct {
	Name   string  `json:"name"`
	SkewMS float64 `json:"skew_ms"`
	Cut    bool    `json:"cut"` // from all others
}

// ExperimentChange is what is to be changed; nil stays as it is. Skew and cut are of a
// leader.
type ExperimentChange struct {
	Rate    *int     `json:"rate"`
	DelayMS *float64 `json:"delay_ms"`
	Leader  string   `json:"leader"`
	SkewMS  *float64 `json:"skew_ms"`
	Cut     *bool    `json:"cut"`
}

const (
	experimentsPath = "/console/experiments"
	maxChange       = 4 << 10 // bytes
)

// experiment shows what is being tried, and changes it for the leader's own page.
func (c *Console) experiment(w http.ResponseWriter, r *http.Request) {
	if c.cfg.Experiments == nil {
		refuse(w, http.StatusNotFound, Failure{"there are no experiments", "this leader is not part of one", "kvd dev --demo begins some"})
		return
	}
	if r.Method == http.MethodPost {
		if err := ownPage(r); err != nil {
			refuse(w, http.StatusForbidden, Failure{"the change was refused", err.Error(), "change it on the page of this leader, from this machine"})
			return
		}
		change, err := readChange(w, r)
		if err == nil {
			err = c.cfg.Experiments.Change(change)
		}
		if err != nil {
			refuse(w, http.StatusBadRequest, Failure{"the change was refused", err.Error(), "look at what GET answers"})
			return
		}
		c.forget()
	}
	answer(w, http.StatusOK, c.cfg.Experiments.State())
}

// ownPage is why a change does not come from a page of ours: a browser says where a POST
// comes from, and neither another site nor a name that was made to point here will do.
func ownPage(r *http.Request) error {
	scheme := "http://"
	if r.TLS != nil {
		scheme = "https://"
	}
	switch origin, site := r.Header.Get("Origin"), r.Header.Get("Sec-Fetch-Site"); {
	case !isLoopback(r.Host) || !isLoopback(r.RemoteAddr):
		return errors.New("it does not come from this machine")
	case origin != scheme+r.Host:
		return fmt.Errorf("it comes from a page of %.80q", origin)
	case site != "" && site != "same-origin":
		return errors.New("it comes from the page of another site")
	}
	return nil
}

func readChange(w http.ResponseWriter, r *http.Request) (change ExperimentChange, err error) {
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind != "application/json" {
		return change, fmt.Errorf("it is %.40q; send application/json", kind)
	}
	in := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxChange))
	in.DisallowUnknownFields()
	if err := in.Decode(&change); err != nil {
		return change, fmt.Errorf("it cannot be read: %w", err)
	}
	if _, err := in.Token(); err != io.EOF {
		return change, errors.New("more than one change was sent; send one")
	}
	return change, nil
}
