@echo off
rem Installs gridsvc without a network: finds Python @python@ and hands over to install.py beside this file.
rem   install.cmd [--to DIR] [--no-demo] [--uninstall]
setlocal
chcp 65001 >nul
set PYTHONUTF8=1
set "FITS=import sys; sys.exit('%%d.%%d' %% sys.version_info[:2] != '@python@' or sys.maxsize < 2**32)"
set "CODE=1"

py -@python@ -c "%FITS%" >nul 2>&1
if not errorlevel 1 (
    py -@python@ "%~dp0install.py" %*
    goto end
)
python -c "%FITS%" >nul 2>&1
if not errorlevel 1 (
    python "%~dp0install.py" %*
    goto end
)
type "%~dp0no-python.txt"
if exist "%~dp0python\" dir /b "%~dp0python"
cmd /c exit 1

:end
set "CODE=%ERRORLEVEL%"
if not defined GRIDSVC_NO_PAUSE pause
exit /b %CODE%
