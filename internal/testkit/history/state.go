package history

// State is what the platform stores when it has no work left.
type State struct {
	Accounts  []string // emails
	Videos    []Video
	Votes     []VoteOf
	Ranking   map[string]int // votes by the player's email, of the players that the ranking lists
	Objects   []string       // keys in the storage
	WorkFiles []string       // temporary files of processes
}

// Video is a stored video.
type Video struct {
	ID            int64
	Owner         string // an email
	Title         string
	Content       string // fingerprint of the original in the storage, made like Operation.Content
	Status        string
	FailureReason string
	Votes         int      // as the video's own counter says
	OpenJobs      int      // jobs that have not ended
	CompletedJobs int      // jobs that have ended with success
	Objects       []string // keys that the video's row names
}

// VoteOf is a vote that counts.
type VoteOf struct {
	Voter   string // an email
	VideoID int64
}
