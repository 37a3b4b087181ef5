package contest

// ProcessVideo is the job that turns an original into a rendition.
type ProcessVideo struct {
	VideoID int64 `json:"video_id"`
}

// Kind is the job's name in the queue. It never changes: jobs of older programs wait there under it.
func (ProcessVideo) Kind() string { return "process_video" }

// JobRun is one run of a job. From its beginning on, it alone may change its video, until another run takes its place.
type JobRun struct {
	VideoID  int64
	TaskID   string
	HolderID string // random, different for each run
}

// RunningJob is a job that the queue says is running, as it was seen at one moment. While somebody works on it, its Beat
// changes every few seconds; where it does not, that somebody is dead.
type RunningJob struct {
	JobRun
	Attempt   int
	Heartbeat int64
}

// ErrNothingToDo tells a job that its video is gone, has settled, or belongs to a later job.
var ErrNothingToDo = &Refusal{"nothing_to_do", "the video does not wait for this job"}
