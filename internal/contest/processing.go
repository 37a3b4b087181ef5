package contest

// ProcessVideo is the job that turns an original into a rendition.
type ProcessVideo struct {
	VideoID int64 `json:"video_id"`
}

// Kind is the job's name in the queue. It never changes: jobs of older programs wait there under it.
func (ProcessVideo) Kind() string { return "process_video" }

// JobRun is one run of a job and the holder of the lease on its video: it alone may change the video until another run
// takes the lease over.
type JobRun struct {
	VideoID  int64
	TaskID   string
	HolderID string // random, different for each run
}

// RunningJob is a job that the queue lists as running, read at one moment. A live worker changes its Heartbeat every few
// seconds; a heartbeat that stands still means that the worker is dead.
type RunningJob struct {
	JobRun
	Attempt   int
	Heartbeat int64
}

// ErrNothingToDo tells a job that its video is gone, has settled, or belongs to a later job.
var ErrNothingToDo = &Refusal{"nothing_to_do", "the video does not wait for this job"}
