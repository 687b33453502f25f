"""Every kind of job and every periodic duty of the worker process."""

import threading

from heliograph.app.greet import DEMO_JOB
from heliograph.engine import secrets, telemetry
from heliograph.engine.audit import Sealer
from heliograph.engine.events import relay_once, trim
from heliograph.engine.jobs import JobRun, Work
from heliograph.engine.jobs.queue import stopping
from heliograph.engine.jobs.worker import Periodic, run_worker
from heliograph.features import access
from heliograph.features.access import system_actor
from heliograph.features.access.watching.folding import fold_log
from heliograph.features.archive import alarms, damage, settle, verify_jobs
from heliograph.features.archive.warm import warm
from heliograph.features.imaging import Copies, Documents, copying, write_facts
from heliograph.features.imaging.thumbnails import make_thumbnail
from heliograph.features.routing import jobs as routing_jobs
from heliograph.features.trail import verification as audit_verify
from heliograph.features.trail.verify_read import ReadStudies
from heliograph.gateways.dimse import jobs as dimse_jobs
from heliograph.gateways.media import IMPORT_JOB, import_job, import_paths
from heliograph.gateways.syslog import SyslogSender
from heliograph.kit.settings import Settings
from heliograph.services import Services


def run(services: Services) -> None:
    """Runs until SIGTERM."""
    # A daemon: a stop does not wait for it.
    threading.Thread(target=_warm, args=(services,), name="warm", daemon=True).start()
    run_worker(services.database, works(services), duties(services), slots=services.settings.job_slots)


def _warm(services: Services) -> None:
    telemetry.fact("indexes_in_memory", bytes=warm(services.database))


def works(services: Services) -> list[Work]:
    """One entry per kind; `docs/reference/jobs.md` lists them."""
    documents = Documents(services.database, services.blobs)
    copies = Copies(services.database, services.settings)

    def make_document(series_id: int) -> None:
        document = documents.write(series_id)
        if document is not None:
            write_facts(services.database, series_id, document)
        make_thumbnail(services.database, services.blobs, series_id)
        with services.database.transaction() as tx:
            copying.queue_copies(tx, services.settings, series_id)

    return [
        Work(settle.MAKE_DOCUMENT, make_document, tracked=False),
        Work(
            settle.STUDY_SETTLED,
            lambda study_id, is_look_back=False: routing_jobs.study_settled(
                services.database, study_id, is_look_back=is_look_back
            ),
            tracked=False,
        ),
        Work(copying.KIND, lambda run: copying.make_copies(copies, services.blobs, run)),
        Work(IMPORT_JOB, lambda run: import_job(services, run)),
        Work(DEMO_JOB, lambda run: load_demo(services, run)),
        Work(verify_jobs.KIND, lambda run: verify_jobs.run(services.database, services.blobs, run)),
        Work(audit_verify.KIND, lambda run: audit_verify.run(services.database, services.settings, run)),
        *dimse_jobs.works(services),
    ]


def duties(services: Services) -> list[Periodic]:
    """What is looked after again and again."""
    settings = services.settings
    copies = Copies(services.database, settings)
    sealer = Sealer(services.database, settings.data, further_witness=settings.audit_witness)
    return [
        Periodic("seal", 1.0, sealer.seal_once),
        Periodic("journal", 5.0, lambda: services.journal.bring_in(services.database)),
        Periodic("watch", 15.0, lambda: fold_log(services.database, settings.site_timezone, until=stopping.is_set)),
        Periodic("syslog", 2.0, SyslogSender(services).send_once),
        Periodic("relay", 0.25, lambda: relay_once(services.database)),
        Periodic("trim", 600.0, lambda: trim(services.database, services.settings.change_days)),
        Periodic("settle", 1.0, lambda: settle.sweep(services.database)),
        Periodic("alarms", 15.0, lambda: alarms.look(services.database, services.blobs, services.settings)),
        Periodic("directory", settings.ldap_recheck_minutes * 60, lambda: access.recheck(services.database, settings)),
        Periodic("certificates", 5.0, lambda: access.publish_certificates(services.database, services.settings)),
        Periodic("own certificate", 3600.0, lambda: renew_own(services.settings)),
        Periodic("copies", 60.0, copies.clear),
        Periodic("damage", damage.EVERY_S, lambda: damage.withhold(services.database, services.blobs)),
        Periodic("verify read", 2.0, ReadStudies(services.database, services.blobs, settings).look_once),
        Periodic("verify", 3600.0, lambda: verify_jobs.due(services.database, services.settings)),
        Periodic("verify audit", 3600.0, lambda: audit_verify.due(services.database, services.settings)),
        *dimse_jobs.duties(services),
    ]


def renew_own(settings: Settings) -> None:
    """Our own certificate long before it ends; the doors load the new one by themselves."""
    if secrets.is_wanted(settings) and secrets.ensure(settings):
        telemetry.fact("certificate_renewed")


def load_demo(services: Services, run: JobRun) -> None:
    """Generates the sample hospital below DIR/demo and imports each study as soon as it is there."""
    from heliograph import demo

    folder = services.settings.data / "demo"
    actor = system_actor("sample hospital", run.tenant_id)
    for study in demo.studies(folder, progress=run.progress):
        import_paths(
            services,
            actor,
            [study.folder],
            source="sample hospital",
            issuer="",
            progress=lambda *_: None,
            job_id=run.id,
        )
