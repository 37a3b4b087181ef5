package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"risingstars/internal/contest"
)

// A player's votes are a chain in time. Each vote has its own moment and stores that of the vote before it. When the
// latest vote is withdrawn, the player's standing goes back to that moment. A vote withdrawn from the middle leaves a
// tombstone in votes_taken_back until the votes after it are withdrawn too. So the moment at which a player reached the
// present number of votes, which breaks ties in the ranking, is exact after any sequence of casting and withdrawing,
// and computing it reads no other votes.

// AddVote casts a vote with an unknown origin and voter's age.
func (s *Store) AddVote(ctx context.Context, videoID, voterID int64, at time.Time) (votes int, err error) {
	return s.CastVote(ctx, videoID, voterID, at, contest.UnknownVoteSignal)
}

// CastVote implements [contest.VoteStore]. It locks the player's standing before it inserts the vote, so the votes for
// a player are serialized. The primary key of votes decides between concurrent votes of one voter for one video.
func (s *Store) CastVote(ctx context.Context, videoID, voterID int64, at time.Time, from contest.VoteSignal) (votes int, err error) {
	defer s.observed("add_vote", &err)()
	b := &ballot{videoID: videoID, voterID: voterID, at: at.Truncate(time.Microsecond), from: from} // as stored
	if s.crowds == nil {
		err = s.writes.run(ctx, b.give)
	} else {
		err = s.crowds.cast(ctx, b, b.giveAlone)
	}
	if err != nil {
		return 0, orGone(named("add_vote", err))
	}
	return b.votes, nil
}

// give casts one vote in tx and sets b.votes. It returns [contest.ErrNoVideo] if the video is not public,
// [contest.ErrAlreadyVoted], or the refusal of mayVote.
func (b *ballot) give(ctx context.Context, tx *sql.Tx) error {
	playerID, before, err := lift(ctx, tx, b.videoID, b.at)
	if err != nil {
		return err
	}
	if err := mayVote(playerID, b.voterID, false); err != nil {
		return err
	}
	at := following(before, b.at)
	if !at.Equal(b.at) {
		if err := stand(ctx, tx, playerID, at); err != nil {
			return err
		}
	}
	err = change(ctx, tx, contest.ErrAlreadyVoted, `
		INSERT INTO votes (voter_id, video_id, player_id, voted_at, before_at, origin, voter_age)
		VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (voter_id, video_id) DO NOTHING`,
		b.voterID, b.videoID, playerID, timestamp(at), timestamp(before), b.from.Origin, int64(b.from.VoterAge/time.Second))
	if err != nil {
		return err
	}
	b.votes, err = b.counted(ctx, tx)
	return err
}

// counted adds the vote to its video and returns the video's number of votes. While the transaction waited for the lock
// on the standing, staff may have hidden the video ([contest.ErrNoVideo]) or voided this voter's vote for it
// ([contest.ErrAlreadyVoted]).
func (b *ballot) counted(ctx context.Context, tx *sql.Tx) (votes int, err error) {
	err = tx.QueryRowContext(ctx, `
		UPDATE videos SET votes = votes + 1
		WHERE id = $1 AND status = 'public'
			AND NOT EXISTS (SELECT 1 FROM votes_set_aside WHERE voter_id = $2 AND video_id = $1)
		RETURNING votes`, b.videoID, b.voterID).Scan(&votes)
	if !errors.Is(err, sql.ErrNoRows) {
		return votes, err
	}
	v, err := videoNow(ctx, tx, b.videoID)
	switch {
	case err != nil:
		return 0, err
	case v.Status != contest.Public:
		return 0, contest.ErrNoVideo
	}
	return 0, contest.ErrAlreadyVoted
}

// lift adds a vote to the standing of a public video's player, which locks the standing, and returns the moment at
// which the player reached the previous number. It returns [contest.ErrNoVideo] if there is no such public video.
func lift(ctx context.Context, tx *sql.Tx, videoID int64, at time.Time) (playerID int64, before time.Time, err error) {
	err = tx.QueryRowContext(ctx, `
		UPDATE standings SET votes = votes + 1, before_at = reached_at, reached_at = $1
		WHERE player_id = (SELECT player_id FROM videos WHERE id = $2 AND status = 'public')
		RETURNING player_id, before_at`, timestamp(at), videoID,
	).Scan(&playerID, (*timestamp)(&before))
	return playerID, before, orNone(err, contest.ErrNoVideo)
}

// WithdrawVote implements [contest.VoteStore].
func (s *Store) WithdrawVote(ctx context.Context, videoID, voterID int64) (votes int, err error) {
	err = s.writeRow(ctx, "remove_vote", videoID, func(ctx context.Context, tx *sql.Tx) error {
		if err := s.keepVoted(ctx, tx, videoID, voterID); err != nil {
			return err
		}
		votes, err = takeBack(ctx, tx, videoID, voterID)
		return err
	})
	return votes, err
}

// takeBack deletes a vote and returns how many its video has left. It returns [contest.ErrNotVoted] if there is no such
// vote.
func takeBack(ctx context.Context, tx *sql.Tx, videoID, voterID int64) (votes int, err error) {
	var playerID int64
	var reached, voted, before time.Time
	// Lock the standing before anything is counted. If two transactions withdraw the same vote at once, the second
	// finds no vote and changes nothing.
	err = tx.QueryRowContext(ctx, `
		UPDATE standings SET before_at = reached_at
		WHERE player_id = (SELECT player_id FROM votes WHERE voter_id = $1 AND video_id = $2)
		RETURNING player_id, reached_at`, voterID, videoID,
	).Scan(&playerID, (*timestamp)(&reached))
	if err == nil {
		err = tx.QueryRowContext(ctx,
			`DELETE FROM votes WHERE voter_id = $1 AND video_id = $2 RETURNING voted_at, before_at`, voterID, videoID,
		).Scan((*timestamp)(&voted), (*timestamp)(&before))
	}
	if err != nil {
		return 0, orNone(err, contest.ErrNotVoted)
	}
	if _, err := tx.ExecContext(ctx, `UPDATE standings SET votes = votes - 1 WHERE player_id = $1`, playerID); err != nil {
		return 0, err
	}
	if voted.Equal(reached) {
		err = fallBack(ctx, tx, playerID, before)
	} else {
		err = unlink(ctx, tx, playerID, voted, before)
	}
	if err != nil {
		return 0, err
	}
	return uncount(ctx, tx, videoID)
}

// unlink inserts a tombstone for a vote withdrawn from the middle of the chain. Votes from before the chain may share a
// moment; the tombstone keeps the earliest moment before it.
func unlink(ctx context.Context, tx *sql.Tx, playerID int64, voted, before time.Time) error {
	_, err := tx.ExecContext(ctx, `
		INSERT INTO votes_taken_back (player_id, voted_at, before_at) VALUES ($1, $2, $3)
		ON CONFLICT (player_id, voted_at) DO UPDATE SET before_at = excluded.before_at
		WHERE excluded.before_at < votes_taken_back.before_at`, playerID, timestamp(voted), timestamp(before))
	return err
}

// fallBack sets the moment of a player's standing to at. If the vote of that moment has been withdrawn too, it follows
// the tombstones back to the latest vote that has not. It deletes each tombstone that it follows, so it follows each
// one only once.
func fallBack(ctx context.Context, tx *sql.Tx, playerID int64, at time.Time) error {
	for {
		err := tx.QueryRowContext(ctx,
			`DELETE FROM votes_taken_back WHERE player_id = $1 AND voted_at = $2 RETURNING before_at`, playerID, timestamp(at),
		).Scan((*timestamp)(&at))
		if errors.Is(err, sql.ErrNoRows) {
			return stand(ctx, tx, playerID, at)
		}
		if err != nil {
			return err
		}
	}
}

// stand sets the moment at which a player reached its present number of votes.
func stand(ctx context.Context, tx *sql.Tx, playerID int64, at time.Time) error {
	_, err := tx.ExecContext(ctx, `UPDATE standings SET reached_at = $1 WHERE player_id = $2`, timestamp(at), playerID)
	return err
}

// HasVoted implements [contest.VoteStore].
func (s *Store) HasVoted(ctx context.Context, videoID, voterID int64) (bool, error) {
	n, err := one(ctx, s, "voted", scanInt, nil,
		`SELECT count(*) FROM votes WHERE video_id = $1 AND voter_id = $2`, videoID, voterID)
	return n > 0, err
}

// uncount subtracts a vote from a video and returns how many it has left. It returns [contest.ErrNoVideo] if there is
// no such video.
func uncount(ctx context.Context, tx *sql.Tx, videoID int64) (votes int, err error) {
	err = tx.QueryRowContext(ctx, `UPDATE videos SET votes = votes - 1 WHERE id = $1 RETURNING votes`, videoID).Scan(&votes)
	return votes, orNone(err, contest.ErrNoVideo)
}
