package whatif

import (
	"encoding/json"

	"kvd/cmd/internal/cliutil"
	"kvd/replica/client/study"
)

// Report is what was found, as it is told.
type Report struct{ *study.Report }

type object = cliutil.Object

// MarshalJSON has all that the text says, and the rest.
func (r Report) MarshalJSON() ([]byte, error) {
	s := &r.Subject
	outcomes, skews := []object{}, []object{}
	for i := range r.Outcomes {
		outcomes = append(outcomes, outcomeOf(&r.Outcomes[i]))
	}
	for _, p := range r.Points {
		skews = append(skews, object{{"skew_ns", int64(p.Skew)}, {"draws", p.Draws}, {"of", p.Accepted}, {"least", p.Least}, {"mean", p.Mean}, {"most", p.Most}})
	}
	return json.Marshal(object{
		{"cluster", s.Cluster}, {"leader", s.Leader}, {"at", int64(s.At)}, {"prefix", cliutil.BlobOf(r.Prefix())},
		{"policy", s.Policy.String()}, {"shadows", append([]string{}, s.Policy.Shadows.Names()...)}, {"applied", s.UpTo.String()},
		{"missing", s.Missing}, // what is wrong with the history; empty: nothing
		{"ops", r.Ops}, {"keys", r.Keys}, {"seen_before_the_history", r.Beyond}, {"passes", r.Passes}, {"seconds", r.Took.Seconds()},
		{"resolvers", outcomes}, {"seed", r.Ask.Curve.Seed}, {"lww_by_skew", skews}, {"caveat", study.Caveat},
	})
}

func outcomeOf(o *study.Outcome) object {
	differences := []object{}
	for _, d := range o.Differences {
		differences = append(differences, object{{"key", cliutil.BlobOf(d.Key)}, {"serving", d.Serving.String()}, {"shows", blobsOf(d.Shows)}, {"would_show", blobsOf(d.Would)}})
	}
	return object{
		{"resolver", o.Resolver.String()}, {"keys", o.Keys}, {"accepted", o.Accepted}, {"live", o.Live}, {"superseded", o.Superseded},
		{"lost_inverted", o.Inverted}, {"lost_concurrent", o.Concurrent}, {"lost_deletes", o.Deletes}, {"lost_increments", o.Increments},
		{"siblings", o.Siblings}, {"keys_with_siblings", o.Conflicted}, {"keys_that_differ", o.Differ}, {"metadata_bytes_per_key", o.MetadataPerKey()},
		{"ops_without_evidence", o.Unrecorded}, {"differences", differences},
	}
}

func blobsOf(values [][]byte) []cliutil.Blob {
	all := make([]cliutil.Blob, len(values))
	for i, v := range values {
		all[i] = cliutil.BlobOf(string(v))
	}
	return all
}
