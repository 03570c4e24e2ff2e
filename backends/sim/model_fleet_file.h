/*
 * model_fleet_file.h - the files a console and a Prometheus need to watch this fleet.
 */
#ifndef BACKENDS_SIM_MODEL_FLEET_FILE_H
#define BACKENDS_SIM_MODEL_FLEET_FILE_H

struct scenario;
struct text;

/* Where the box listens. Key, known_hosts and token lie beside the file under the names in box.h.
 */
struct fleet_ports {
	int http, ssh;
};

/* A whole fleet file in which every figure comes straight from the box. */
void fleet_file_direct(
	const struct scenario *scenario, const struct fleet_ports *ports, struct text *out);

/* The same fleet seen through a Prometheus at 127.0.0.1:9090 (edit the url) that scrapes the box.
 */
void fleet_file_prometheus(
	const struct scenario *scenario, const struct fleet_ports *ports, struct text *out);

/* A configuration for that Prometheus. */
void fleet_file_scrape(const struct fleet_ports *ports, struct text *out);

#endif
