package resolve_test

import (
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"kvd/resolve"
	"kvd/resolve/resolvetest"
)

// TestKeepersKeepWhatFoldingKeeps: verdicts decide nothing about who survives,
// also when all of them were given before.
func TestKeepersKeepWhatFoldingKeeps(t *testing.T) {
	for _, serving := range resolve.IDs() {
		panel := resolve.Panel{Serving: serving, Shadows: resolve.All &^ serving.Mask()}
		pasts := resolvetest.Pasts(panel)
		t.Run(serving.String(), func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				past := pasts.Draw(t, "past")
				rep := resolvetest.NewReplica(panel, past.Key)
				kept := &resolve.Object{Key: past.Key}
				var folder resolve.Folder
				for _, op := range past.Ops {
					if err := rep.Apply(op); err != nil {
						t.Fatal(err)
					}
					for range 2 { // the second time nothing changes
						folder.Keep(panel, kept, op, rep.History)
					}
					if want := rep.Object.Clone(); kept.Duplicates != want.Duplicates || len(kept.Versions)+len(want.Versions) > 0 && !reflect.DeepEqual(kept.Versions, want.Versions) {
						t.Fatalf("after %s:\n%+v\nfolding keeps\n%+v\n%s", op.Dot, kept, want, past)
					}
				}
			})
		})
	}
}
