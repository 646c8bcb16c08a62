// Package backups takes a backup of a leader into a directory here: the client's side of
// KVD.BACKUP. How a backup looks is package backup's (of storage).
package backups

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"kvd/replica/client"
	"kvd/storage/backup"
)

// Written is what of a backup is done.
type Written = backup.Written

// Taken is a backup that was taken.
type Taken struct {
	backup.About
	backup.Written
}

// endWithin is how long a leader has to answer that a backup is over.
const endWithin = 5 * time.Second

// Take takes a backup of the leader into dir, as [backup.Write] does. Tell hears how many
// files and bytes are done, of how many. An error of the leader is a *[client.Refusal].
func Take(ctx context.Context, l *client.Leader, dir string, tell func(done Written, files int, bytes int64)) (*Taken, error) {
	r, err := l.Do(ctx, "KVD.BACKUP", "BEGIN")
	if err != nil {
		return nil, err
	}
	s := source{l: l, id: r.Field("id").Text}
	var m backup.Manifest
	if err := json.Unmarshal([]byte(r.Field("backup").Text), &m); err != nil {
		return nil, errors.Join(fmt.Errorf("the leader answered no list of files: %w", err), s.end(ctx))
	}
	w, err := backup.Write(ctx, dir, m.About, m.Files, &s, func(w backup.Written) { tell(w, len(m.Files), m.Bytes()) })
	if err != nil {
		_ = s.end(ctx) // it gives up by itself in a minute
		return nil, err
	}
	err = s.end(ctx, "DONE", strconv.Itoa(w.Files), strconv.FormatInt(w.Bytes, 10))
	if client.Code(err) == "GONE" { // the backup is whole all the same
		err = nil
	}
	return &Taken{m.About, *w}, err
}

// source is the leader's checkpoint.
type source struct {
	l  *client.Leader
	id string
}

func (s *source) Sum(ctx context.Context, name string) (string, error) {
	r, err := s.l.Do(ctx, "KVD.BACKUP", "SUM", s.id, name)
	return r.Text, err
}

func (s *source) Read(ctx context.Context, name string, offset int64) ([]byte, error) {
	r, err := s.l.Do(ctx, "KVD.BACKUP", "READ", s.id, name, strconv.FormatInt(offset, 10))
	return []byte(r.Text), err
}

// end tells the leader, also when ctx has ended.
func (s *source) end(ctx context.Context, words ...string) error {
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), endWithin)
	defer stop()
	_, err := s.l.Do(ctx, append([]string{"KVD.BACKUP", "END", s.id}, words...)...)
	return err
}
