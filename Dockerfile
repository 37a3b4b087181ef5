# The image of the program: web server and workers alike. `docker compose up` builds it.

FROM golang:1.26.8-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=dev
RUN CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags "-s -w -X risingstars/internal/app.version=$VERSION" -o /out/risingstars ./cmd/risingstars

FROM debian:12.11-slim
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates ffmpeg \
 && rm -rf /var/lib/apt/lists/*
# New volumes take over the owner of the folders that they are mounted on.
RUN groupadd --gid 10001 risingstars \
 && useradd --uid 10001 --gid 10001 --home-dir /var/lib/risingstars --no-create-home --shell /usr/sbin/nologin risingstars \
 && install -d -o 10001 -g 10001 -m 0750 /var/lib/risingstars /srv/media
COPY --from=build /out/risingstars /usr/local/bin/risingstars
ENV DATA_DIR=/var/lib/risingstars LISTEN_ADDR=0.0.0.0:8080
USER 10001:10001
WORKDIR /var/lib/risingstars
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["risingstars", "healthcheck"]
ENTRYPOINT ["risingstars"]
CMD ["serve"]
