package contest

// ProcessVideo is the job that turns an original into a rendition.
type ProcessVideo struct {
	VideoID int64 `json:"video_id"`
}

// Kind is the job's name in the queue. It never changes: jobs of older programs wait there under it.
func (ProcessVideo) Kind() string { return "process_video" }

// ErrNothingToDo tells a job that its video is gone, has settled, or belongs to a later job.
var ErrNothingToDo = &Refusal{"nothing_to_do", "the video does not wait for this job"}
