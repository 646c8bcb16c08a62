package answers

import (
	"context"
	"strconv"

	"kvd/replica/client"
)

// History is the writes behind what a key holds, as one leader tells them.
type History struct {
	Removed int64 // ops, of all keys, that its log does not keep any more: history begins behind them
	Writes  []client.Reply
}

// HistoryOf asks a leader for at most count writes of a key, newest first; zero: as many as
// it likes. A server that does not say where history begins is asked without that.
func HistoryOf(ctx context.Context, l *client.Leader, key string, count int) (History, error) {
	words := []string{"KVD.HISTORY", key}
	if count > 0 {
		words = append(words, "COUNT", strconv.Itoa(count))
	}
	r, err := l.Do(ctx, append(words, "HEAD")...)
	if err != nil && !client.Unknown(err) && ctx.Err() == nil {
		r, err = l.Do(ctx, words...)
	}
	if writes := r.Field("writes"); !writes.IsNull() {
		return History{r.Field("removed").Int, writes.Items}, err
	}
	return History{Writes: r.Items}, err
}
