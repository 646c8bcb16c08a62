package whatif

import (
	"encoding/json"

	"kvd/cmd/internal/cliutil"
	"kvd/replica/client/study"
)

// Report is what was found, as it is told.
type Report struct{ *study.Report }

func blobsOf(values [][]byte) []cliutil.Blob {
	all := make([]cliutil.Blob, len(values))
	for i, v := range values {
		all[i] = cliutil.BlobOf(string(v))
	}
	return all
}

// outcomeJSON is one resolver.
type outcomeJSON struct {
	Resolver    string           `json:"resolver"`
	Keys        int              `json:"keys"`
	Accepted    int              `json:"accepted"`
	Live        int              `json:"live"`
	Superseded  int              `json:"superseded"`
	Inverted    int              `json:"lost_inverted"`
	Concurrent  int              `json:"lost_concurrent"`
	Deletes     int              `json:"lost_deletes"`
	Increments  int              `json:"lost_increments"`
	Siblings    int              `json:"siblings"`
	Conflicted  int              `json:"keys_with_siblings"`
	Differ      int              `json:"keys_that_differ"`
	Metadata    float64          `json:"metadata_bytes_per_key"`
	Unrecorded  int              `json:"ops_without_evidence"`
	Differences []differenceJSON `json:"differences"`
}

type differenceJSON struct {
	Key     cliutil.Blob   `json:"key"`
	Serving string         `json:"serving"`
	Shows   []cliutil.Blob `json:"shows"`
	Would   []cliutil.Blob `json:"would_show"`
}

type pointJSON struct {
	Skew  int64   `json:"skew_ns"`
	Draws int     `json:"draws"`
	Of    int     `json:"of"`
	Least int     `json:"least"`
	Mean  float64 `json:"mean"`
	Most  int     `json:"most"`
}

type reportJSON struct {
	Cluster   string        `json:"cluster"`
	Leader    string        `json:"leader"`
	At        int64         `json:"at"`
	Prefix    cliutil.Blob  `json:"prefix"`
	Policy    string        `json:"policy"`
	Shadows   []string      `json:"shadows"`
	Applied   string        `json:"applied"`
	Missing   string        `json:"missing"` // what is wrong with the history; empty: nothing
	Ops       int           `json:"ops"`
	Keys      int           `json:"keys"`
	Beyond    int           `json:"seen_before_the_history"`
	Passes    int           `json:"passes"`
	Seconds   float64       `json:"seconds"`
	Resolvers []outcomeJSON `json:"resolvers"`
	Seed      uint64        `json:"seed"`
	Skews     []pointJSON   `json:"lww_by_skew"`
	Caveat    string        `json:"caveat"`
}

// MarshalJSON has all that the text says, and the rest.
func (r Report) MarshalJSON() ([]byte, error) {
	s := &r.Subject
	out := reportJSON{
		Cluster: s.Cluster, Leader: s.Leader, At: int64(s.At), Prefix: cliutil.BlobOf(r.Prefix()), Policy: s.Policy.String(),
		Shadows: append([]string{}, s.Policy.Shadows.Names()...), Applied: s.UpTo.String(), Missing: s.Missing,
		Ops: r.Ops, Keys: r.Keys, Beyond: r.Beyond, Passes: r.Passes, Seconds: r.Took.Seconds(),
		Resolvers: []outcomeJSON{}, Seed: r.Ask.Curve.Seed, Skews: []pointJSON{}, Caveat: study.Caveat,
	}
	for i := range r.Outcomes {
		out.Resolvers = append(out.Resolvers, outcomeOf(&r.Outcomes[i]))
	}
	for _, p := range r.Points {
		out.Skews = append(out.Skews, pointJSON{int64(p.Skew), p.Draws, p.Accepted, p.Least, p.Mean, p.Most})
	}
	return json.Marshal(out)
}

func outcomeOf(o *study.Outcome) outcomeJSON {
	out := outcomeJSON{
		o.Resolver.String(), o.Keys, o.Accepted, o.Live, o.Superseded, o.Inverted, o.Concurrent, o.Deletes, o.Increments,
		o.Siblings, o.Conflicted, o.Differ, o.MetadataPerKey(), o.Unrecorded, []differenceJSON{},
	}
	for _, d := range o.Differences {
		out.Differences = append(out.Differences, differenceJSON{cliutil.BlobOf(d.Key), d.Serving.String(), blobsOf(d.Shows), blobsOf(d.Would)})
	}
	return out
}
