package api

import (
	"context"

	"risingstars/internal/contest"
	"risingstars/internal/web/lang"
)

// Video is one of the player's own videos in a list. It is exported because huma documents embedded structs only if
// they are exported.
type Video struct {
	VideoID      int64        `json:"video_id" example:"1"`
	Title        string       `json:"title" example:"Triple desde la esquina"`
	Status       string       `json:"status" enum:"uploaded,processing,processed,public,failed"`
	UploadedAt   moment       `json:"uploaded_at"`
	ProcessedAt  momentOrNull `json:"processed_at"`
	ProcessedURL *string      `json:"processed_url" nullable:"true" doc:"The clip. For a video that is not public the link expires."`
	Hidden       bool         `json:"hidden,omitempty" doc:"True, or absent: the organizers have taken a public video out of the public. It is processed, and can be neither published nor deleted."`
}

// videoDetail is one video with everything that its owner may see.
type videoDetail struct {
	Video
	OriginalURL   *string `json:"original_url" nullable:"true" doc:"The file as it was uploaded. The link expires."`
	PosterURL     *string `json:"poster_url" nullable:"true" doc:"A still picture, JPEG 1280×720."`
	Votes         int     `json:"votes" minimum:"0"`
	Progress      int     `json:"progress" minimum:"0" maximum:"100" doc:"Of processing, in per cent."`
	FailureReason *string `json:"failure_reason" nullable:"true" doc:"Why processing failed, for its player."`
}

type (
	videoInput struct {
		Caller
		Base
		Languages
		VideoID
	}
	myVideosInput struct {
		Caller
		Base
	}
	videosOutput struct{ Body []Video }
	videoOutput  struct{ Body videoDetail }
)

// Languages is the part of an input that has the client's language.
type Languages struct {
	AcceptLanguage string `header:"Accept-Language" doc:"Spanish unless English is preferred."`
}

func (a *API) myVideos(ctx context.Context, in *myVideosInput) (*videosOutput, error) {
	list, err := a.Videos.VideosOfPlayer(ctx, in.player)
	if err != nil {
		return nil, err
	}
	out := &videosOutput{Body: make([]Video, len(list))}
	for i, v := range list {
		out.Body[i] = a.video(a.baseURL(in.Base), v)
	}
	return out, nil
}

func (a *API) myVideo(ctx context.Context, in *videoInput) (*videoOutput, error) {
	return a.detail(ctx, in)(a.Videos.OwnVideo(ctx, in.player, in.ID.n))
}

func (a *API) publish(ctx context.Context, in *videoInput) (*videoOutput, error) {
	return a.detail(ctx, in)(a.Videos.PublishVideo(ctx, in.player, in.ID.n))
}

func (a *API) retry(ctx context.Context, in *videoInput) (*videoOutput, error) {
	return a.detail(ctx, in)(a.Videos.RetryVideo(ctx, in.player, in.ID.n))
}

type deletedOutput struct {
	Body struct {
		Message string `json:"message" example:"El video ha sido eliminado exitosamente."`
		VideoID int64  `json:"video_id" example:"1"`
	}
}

func (a *API) deleteVideo(ctx context.Context, in *videoInput) (*deletedOutput, error) {
	if err := a.Videos.DeleteVideo(ctx, in.player, in.ID.n); err != nil {
		return nil, err
	}
	out := &deletedOutput{}
	out.Body.Message = "El video ha sido eliminado exitosamente."
	out.Body.VideoID = in.ID.n
	return out, nil
}

func (a *API) video(base string, v contest.Video) Video {
	return Video{
		VideoID: v.ID, Title: v.Title, Status: string(v.Status),
		UploadedAt: moment(v.UploadedAt), ProcessedAt: momentOrNull(v.ProcessedAt),
		ProcessedURL: a.partURL(base, v, contest.RenditionPart, v.Media.RenditionKey()),
		Hidden:       v.Hidden != contest.NotHidden,
	}
}

// detail turns a video into the answer to its owner. It reads the progress before the video. At the end of processing
// the new state is committed first and the progress deleted after it, so in this order polling never sees the
// progress fall.
func (a *API) detail(ctx context.Context, in *videoInput) func(contest.Video, error) (*videoOutput, error) {
	running := a.Live.Progress(ctx, in.ID.n)
	return func(v contest.Video, err error) (*videoOutput, error) {
		if err != nil {
			return nil, err
		}
		base := a.baseURL(in.Base)
		return &videoOutput{videoDetail{
			Video:         a.video(base, v),
			OriginalURL:   a.partURL(base, v, contest.OriginalPart, v.Media.OriginalKey()),
			PosterURL:     a.partURL(base, v, contest.PosterPart, v.Media.PosterKey()),
			Votes:         v.Votes,
			Progress:      progress(v, running),
			FailureReason: failureReason(v.Failure, lang.PreferredLanguage(in.AcceptLanguage)),
		}}, nil
	}
}

// progress is the progress of processing in percent. The store's value may be some seconds old; running is the newer
// value from package live, 0 if unknown.
func progress(v contest.Video, running int) int {
	switch v.Status {
	case contest.Processed, contest.Public:
		return 100
	case contest.Processing:
		return max(running, v.Progress)
	default:
		return 0
	}
}

// failureReason is the sentence for the player about a failure, or nil for none.
func failureReason(f contest.Failure, tag lang.Tag) *string {
	if f == contest.NoFailure {
		return nil
	}
	text, ok := failureTexts[f]
	if !ok {
		text = failureTexts[contest.FailedInternal]
	}
	reason := text.In(tag)
	return &reason
}

var failureTexts = map[contest.Failure]lang.Text{
	contest.FailedUnplayable: {
		ES: "El video no se pudo decodificar. Expórtalo de nuevo como MP4 (H.264 o HEVC) y vuelve a subirlo.",
		EN: "The video could not be decoded. Export it again as MP4 (H.264 or HEVC) and upload it again.",
	},
	contest.FailedTimeout: {
		ES: "Procesar el video tardó demasiado. Reinténtalo o sube una versión más ligera, por ejemplo en 1080p.",
		EN: "Processing the video took too long. Try again, or upload a lighter version, such as 1080p.",
	},
	contest.FailedInternal: {
		ES: "El video no se pudo procesar por un problema nuestro. Reinténtalo más tarde.",
		EN: "The video could not be processed because of a problem on our side. Try again later.",
	},
}
