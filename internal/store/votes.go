package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"risingstars/internal/contest"
)

// A player's votes are a chain in time: each vote has a moment of its own and stores the one before it, to which the player's
// standing returns when that vote is withdrawn as the latest. A vote that is withdrawn from the middle leaves a tombstone in
// votes_taken_back, until those after it are gone too. So the moment at which a player reached the present number of votes,
// which breaks ties in the ranking, is exact whatever was cast and withdrawn in between, and needs no reading of the votes.

// AddVote enters a vote of which nothing is known.
func (s *Store) AddVote(ctx context.Context, videoID, voterID int64, at time.Time) (votes int, err error) {
	return s.CastVote(ctx, videoID, voterID, at, contest.UnknownVoteSignal)
}

// CastVote implements [contest.VoteStore]. The player's row is taken first, so that the votes for a player follow each other;
// the primary key of the votes decides races of one person's.
func (s *Store) CastVote(ctx context.Context, videoID, voterID int64, at time.Time, from contest.VoteSignal) (votes int, err error) {
	defer s.observed("add_vote", &err)()
	b := &ballot{videoID: videoID, voterID: voterID, at: at.Truncate(time.Microsecond), from: from} // as the database will have it
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

// give gives one vote.
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

// counted counts the vote for its video. While the player's place was waited for, organizers may have hidden the video, or said
// that this person's vote for it is void.
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

// lift gives the player of a public video a vote more, and says since when it had those before. [contest.ErrNoVideo] if
// there is no such video.
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
		votes, err = takeBack(ctx, tx, videoID, voterID)
		return err
	})
	return votes, err
}

// takeBack removes a vote and says how many its video has left, or [contest.ErrNotVoted].
func takeBack(ctx context.Context, tx *sql.Tx, videoID, voterID int64) (votes int, err error) {
	var playerID int64
	var reached, voted, before time.Time
	// The player's row is held before anything is counted: of two who take back the same vote at once, the second finds no
	// vote, and has changed nothing.
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

// unlink keeps the link of a vote that goes from the middle. Votes from before each had a moment of its own may share one.
func unlink(ctx context.Context, tx *sql.Tx, playerID int64, voted, before time.Time) error {
	_, err := tx.ExecContext(ctx, `
		INSERT INTO votes_taken_back (player_id, voted_at, before_at) VALUES ($1, $2, $3)
		ON CONFLICT (player_id, voted_at) DO UPDATE SET before_at = excluded.before_at
		WHERE excluded.before_at < votes_taken_back.before_at`, playerID, timestamp(voted), timestamp(before))
	return err
}

// fallBack lets a player stand at a moment, or, if the vote of that moment has been taken back too, at the latest
// before it whose vote has not. Each link is followed once and removed, so a vote is paid for when it is given.
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

// stand enters since when a player has the votes that it has.
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

// uncount takes a vote from a video.
func uncount(ctx context.Context, tx *sql.Tx, videoID int64) (votes int, err error) {
	err = tx.QueryRowContext(ctx, `UPDATE videos SET votes = votes - 1 WHERE id = $1 RETURNING votes`, videoID).Scan(&votes)
	return votes, orNone(err, contest.ErrNoVideo)
}
