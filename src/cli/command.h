/* cli/command.h - the commands that talk to a server: each returns an exit code of sysexits.h. */
#pragma once
#include "cli/call.h"

int command_send(struct cli *cli);
int command_status(struct cli *cli);
int command_queue(struct cli *cli);
int command_queue_pause(struct cli *cli);
int command_queue_resume(struct cli *cli);
int command_queue_move(struct cli *cli);
int command_queue_unmove(struct cli *cli);
int command_provider(struct cli *cli);
int command_doctor(struct cli *cli);
int command_dlq_list(struct cli *cli);
int command_dlq_redrive(struct cli *cli);
int command_dlq_delete(struct cli *cli);
int command_template_push(struct cli *cli);
int command_app_create(struct cli *cli);
int command_app_list(struct cli *cli);
int command_app_delete(struct cli *cli);
int command_key_create(struct cli *cli);
int command_key_list(struct cli *cli);
int command_key_revoke(struct cli *cli);
int command_store_backup(struct cli *cli);
int command_store_confirm_epoch(struct cli *cli);
int command_openapi(struct cli *cli);
